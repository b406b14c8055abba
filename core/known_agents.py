"""The agents we know how to run: programs that take one prompt, and what they are given to need nobody.

Each works in its workspace without asking, in a sandbox where it has one. The prompt comes on standard input where
the program reads it there, since it may begin like an option and be of any length; else as one argument. A profile of
the same name in `codewalkers.toml` that has no command of its own changes these settings.
"""

from __future__ import annotations

from collections.abc import Mapping

_KEYS = (
    "ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY",
    "OPENAI_API_KEY", "OPENROUTER_API_KEY", "XAI_API_KEY",
)  # fmt: skip
"""Of programs that talk with the models of many."""

_SURROUNDINGS = (
    "ALL_PROXY", "DBUS_SESSION_BUS_ADDRESS", "HTTPS_PROXY", "HTTP_PROXY", "NODE_EXTRA_CA_CERTS", "NO_PROXY",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME", "all_proxy", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""Where programs keep their settings and keys, and how they reach the network."""

KNOWN_AGENTS: Mapping[str, Mapping[str, object]] = {
    "aider": {
        "description": "edits and commits; it exits with 0 whatever happens",
        "command": ("aider", "--yes-always", "--no-pretty", "--no-check-update", "--message={prompt}"),
        "pass_env": _KEYS,
        "plain_env": (*_SURROUNDINGS, "AIDER_MODEL", "OLLAMA_API_BASE", "OPENAI_API_BASE"),
    },
    "claude": {
        "description": "edits and runs commands; what else needs permission is refused",
        "adapter": "jsonl:claude",
        "command": (
            "claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits",
            "--allowedTools", "Bash",
        ),
        "pass_env": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        "plain_env": (*_SURROUNDINGS, "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", "CLAUDE_CONFIG_DIR"),
    },
    "codex": {
        "description": "edits and runs commands in its sandbox",
        "adapter": "jsonl:codex",
        "command": ("codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", "workspace-write", "-"),
        "pass_env": ("CODEX_API_KEY", "OPENAI_API_KEY"),
        "plain_env": (*_SURROUNDINGS, "CODEX_HOME", "OPENAI_BASE_URL"),
    },
    "gemini": {
        "description": "edits and runs commands without asking",
        "adapter": "jsonl:gemini",
        "command": ("gemini", "--yolo", "--output-format", "stream-json"),
        "env": {"GEMINI_CLI_TRUST_WORKSPACE": "true"},
        "pass_env": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "plain_env": (
            *_SURROUNDINGS, "GEMINI_MODEL", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_LOCATION",
            "GOOGLE_CLOUD_PROJECT", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI",
        ),
    },
    "goose": {
        "description": "edits and runs commands without asking",
        "adapter": "jsonl:goose",
        "command": ("goose", "run", "-q", "--no-session", "--output-format", "stream-json", "-i", "-"),
        "pass_env": _KEYS,
        "plain_env": (
            *_SURROUNDINGS, "ANTHROPIC_HOST", "GOOSE_DISABLE_KEYRING", "GOOSE_MODE", "GOOSE_MODEL", "GOOSE_PROVIDER",
            "OLLAMA_HOST", "OPENAI_BASE_PATH", "OPENAI_HOST",
        ),
    },
    "mini": {
        "description": "mini-swe-agent, runs commands without asking",
        "adapter": "jsonl:mini",
        "command": ("mini", "--yolo", "--exit-immediately", "--output={records}", "--task={prompt}"),
        "pass_env": _KEYS,
        "plain_env": (
            *_SURROUNDINGS, "MSWEA_CONFIGURED", "MSWEA_COST_TRACKING", "MSWEA_GLOBAL_CONFIG_DIR",
            "MSWEA_MINI_CONFIG_PATH", "MSWEA_MODEL_NAME", "OLLAMA_API_BASE", "OPENAI_API_BASE",
        ),
    },
    "opencode": {
        "description": "edits and runs commands without asking",
        "adapter": "jsonl:opencode",
        "command": ("opencode", "run", "--format", "json", "--auto"),
        "pass_env": _KEYS,
        "plain_env": (*_SURROUNDINGS, "OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR"),
    },
}  # fmt: skip
