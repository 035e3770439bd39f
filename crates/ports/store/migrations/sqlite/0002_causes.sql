-- The event that an event follows from: a call was cut because a role was taken. Most follow from none; theirs is empty.
ALTER TABLE events ADD COLUMN cause TEXT NOT NULL DEFAULT '';

CREATE INDEX events_by_cause ON events (cause, revision) WHERE cause <> '';
