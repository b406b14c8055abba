-- What can be made again from the log at any time. Rows are only ever added; whatever does not fit the log, or this
-- version, is dropped and made again.

CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What changed between a keyframe and the one before it on the lineage. The first follows from the empty state.
CREATE TABLE keyframes(
  branch TEXT NOT NULL,                -- whose event it ends with
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,                  -- of that event: another history has another
  delta BLOB NOT NULL,
  UNIQUE(branch, position)
) STRICT;

-- Some of them whole, so that few deltas lead to any.
CREATE TABLE states(
  branch TEXT NOT NULL,
  position INTEGER NOT NULL,
  state BLOB NOT NULL,
  UNIQUE(branch, position)
) STRICT;

-- A lineage's index, by equal numbers of the branch's own events.
CREATE TABLE parts(
  branch TEXT NOT NULL,
  after INTEGER NOT NULL,              -- exclusive
  up_to INTEGER NOT NULL,              -- inclusive
  hash BLOB NOT NULL,                  -- of the event at `up_to`
  arrays BLOB NOT NULL,
  UNIQUE(branch, after)
) STRICT;

-- How far what events say can be searched, once anything can: one row.
CREATE TABLE searchable(
  position INTEGER NOT NULL,
  hash BLOB NOT NULL                   -- of that event
) STRICT;
