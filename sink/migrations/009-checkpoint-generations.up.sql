-- Which evolve made a state. A row of another generation is as if it were not there; the progress row says which one counts.
ALTER TABLE actor_checkpoints ADD COLUMN generation int NOT NULL DEFAULT 1;
ALTER TABLE progress ADD COLUMN generation int NOT NULL DEFAULT 1;

-- As before, with the generation of the rows and the last event that they hold.
DROP FUNCTION save_checkpoint(text, int, bigint, bigint, bigint, bigint);
CREATE FUNCTION save_checkpoint(who text, part int, owner_epoch bigint, from_offset bigint, to_offset bigint, commands bigint,
                                made_by int, event_id text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE progress SET next_offset = to_offset, commands_offset = commands, last_event_id = event_id, updated_at = now()
    WHERE consumer = who AND partition = part AND epoch = owner_epoch AND next_offset = from_offset AND generation = made_by;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO actor_checkpoints (user_id, state_type, state_id, sequence, version, state, generation)
  SELECT user_id, state_type, state_id, sequence, version, state, made_by FROM incoming_checkpoint
  ORDER BY user_id, state_type, state_id
  ON CONFLICT (user_id, state_type, state_id) DO UPDATE
    SET sequence = excluded.sequence, version = excluded.version, state = excluded.state, generation = excluded.generation
    WHERE (excluded.generation, excluded.sequence) > (actor_checkpoints.generation, actor_checkpoints.sequence);
  RETURN true;
END $$;

-- A new owner of checkpoints raises the epoch as that of a table does. Its own, newer generation starts at the first
-- event; an older release than the one that wrote, and an owner with another log, change nothing: they will refuse.
CREATE FUNCTION take_over_checkpoints(who text, part int, identity uuid, made_by int)
RETURNS progress LANGUAGE sql AS $$
  INSERT INTO progress AS p (consumer, partition, epoch, log_identity, generation) VALUES (who, part, 0, identity, made_by)
  ON CONFLICT (consumer, partition) DO NOTHING;
  UPDATE progress p SET epoch = p.epoch + 1, generation = made_by,
      next_offset = CASE WHEN p.generation = made_by THEN p.next_offset ELSE 0 END,
      last_event_id = CASE WHEN p.generation = made_by THEN p.last_event_id END
    WHERE p.consumer = who AND p.partition = part AND p.generation <= made_by AND p.log_identity = identity;
  SELECT p.* FROM progress p WHERE p.consumer = who AND p.partition = part
$$;
