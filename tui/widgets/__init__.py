"""What panels share: lists over millions of rows, the timeline's strip, frames, and one-line displays.

Invariant: a widget takes a value and draws it; an equal value costs nothing, and no text but `SafeText` gets in.
Forbidden here: fetching, waiting, the core, and markup.
"""
