-- What each id of the schema registry was when a record on Kafka could first carry it: a registry that lost its data gives
-- the same ids to other schemas.
CREATE TABLE registry_schema_ids (
  registry_id int PRIMARY KEY,
  own_id int NOT NULL,
  noted_at timestamptz NOT NULL DEFAULT now()
);
