-- Keys, checkpoints and progress.

-- A subject's data key, wrapped by the master key. A shredded key leaves a tombstone that forbids a new one.
CREATE TABLE subject_keys (
  user_id text PRIMARY KEY,
  wrapped bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  shredded_at timestamptz,
  CHECK ((wrapped IS NULL) = (shredded_at IS NOT NULL))
);

CREATE TABLE actor_checkpoints (
  user_id text NOT NULL,
  state_type text NOT NULL,
  state_id text NOT NULL,
  sequence bigint NOT NULL,
  version bigint NOT NULL,
  state bytea NOT NULL,
  PRIMARY KEY (user_id, state_type, state_id)
  -- Roots and accounts are written again and again: room on the page keeps the index out of it.
) WITH (fillfactor = 60);
ALTER TABLE actor_checkpoints ALTER COLUMN state SET STORAGE EXTERNAL;

-- How far a consumer that keeps its progress here has come. Moved by compare-and-set only.
CREATE TABLE progress (
  consumer text NOT NULL,
  partition int NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  epoch bigint NOT NULL DEFAULT 0,
  log_identity uuid,
  last_event_id text,
  -- The group's offset in the commands when this was written; null for readers of events.
  commands_offset bigint,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, partition)
) WITH (fillfactor = 20);

-- Merges the session's staging table `incoming_checkpoint` and moves the progress row, or does neither. One call, so
-- that an owner that is stopped in between holds no lock. False when a newer owner raised the epoch.
CREATE FUNCTION save_checkpoint(who text, part int, owner_epoch bigint, from_offset bigint, to_offset bigint, commands bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE progress SET next_offset = to_offset, commands_offset = commands, updated_at = now()
    WHERE consumer = who AND partition = part AND epoch = owner_epoch AND next_offset = from_offset;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO actor_checkpoints (user_id, state_type, state_id, sequence, version, state)
  SELECT user_id, state_type, state_id, sequence, version, state FROM incoming_checkpoint
  ORDER BY user_id, state_type, state_id
  ON CONFLICT (user_id, state_type, state_id) DO UPDATE
    SET sequence = excluded.sequence, version = excluded.version, state = excluded.state
    WHERE excluded.sequence > actor_checkpoints.sequence;
  RETURN true;
END $$;

-- A new owner raises the epoch before it reads anything, so that the owner before can no longer move the row.
CREATE FUNCTION take_over_progress(who text, part int, identity uuid)
RETURNS progress LANGUAGE sql AS $$
  INSERT INTO progress AS p (consumer, partition, epoch, log_identity) VALUES (who, part, 1, identity)
  ON CONFLICT (consumer, partition) DO UPDATE SET epoch = p.epoch + 1
  RETURNING p.*
$$;

-- Moves the progress row of a table reader, or fails and takes the transaction of its rows with it.
CREATE FUNCTION move_progress(who text, part int, owner_epoch bigint, from_offset bigint, to_offset bigint, event_id text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE progress SET next_offset = to_offset, last_event_id = event_id, updated_at = now()
    WHERE consumer = who AND partition = part AND epoch = owner_epoch AND next_offset = from_offset;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the progress of % in partition % has a newer owner', who, part USING ERRCODE = 'SA001';
  END IF;
END $$;
