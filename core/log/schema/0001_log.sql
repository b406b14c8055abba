-- The log. What cannot happen is forbidden here, not in code: events are never changed or removed, positions
-- have no gaps, a version exists once per branch.

CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE branches(
  name TEXT PRIMARY KEY,
  parent TEXT REFERENCES branches(name),
  at INTEGER NOT NULL,                 -- last position shared with the parent
  request_id TEXT UNIQUE,
  created_at INTEGER NOT NULL          -- microseconds since 1970, UTC
) STRICT, WITHOUT ROWID;

CREATE TABLE events(
  position INTEGER PRIMARY KEY,
  branch TEXT NOT NULL REFERENCES branches(name),
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  event_id BLOB NOT NULL,
  type TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,        -- microseconds since 1970, UTC
  session_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  correlation_id BLOB,
  causation_id INTEGER,                -- position of the event that caused this one
  actor TEXT NOT NULL,
  hash BLOB NOT NULL,
  payload TEXT NOT NULL                -- a JSON object
) STRICT;

-- Stream first: with the branch first, a range read of a branch would sort all of it.
CREATE UNIQUE INDEX events_stream ON events(stream, branch, version);
CREATE UNIQUE INDEX events_event_id ON events(event_id);
-- Forks are small beside main; main itself is read in the order of the table.
CREATE INDEX events_branch ON events(branch, position) WHERE branch <> 'main';

CREATE TABLE snapshots(
  stream TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,         -- microseconds since 1970, UTC
  is_json INTEGER NOT NULL,
  state BLOB NOT NULL                  -- bytes as given, or JSON
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_keep_no_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER events_keep_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

-- Also what stops INSERT OR REPLACE, which deletes without firing the trigger above.
CREATE TRIGGER events_keep_no_gap BEFORE INSERT ON events
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'positions are consecutive'); END;

INSERT INTO branches(name, parent, at, request_id, created_at) VALUES ('main', NULL, 0, NULL, 0);
