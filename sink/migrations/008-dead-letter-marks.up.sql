-- Dead letters that an operator has dealt with, by where they are in their topic. The letters themselves leave by retention.
CREATE TABLE dead_letter_marks (
  topic text NOT NULL,
  partition int NOT NULL,
  "offset" bigint NOT NULL,
  mark text NOT NULL CHECK (mark IN ('replayed', 'dropped')),
  marked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, "offset")
);
