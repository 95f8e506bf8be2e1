-- Who should own which partition, for every group and every log adapter.

CREATE TABLE members (
  member_id uuid PRIMARY KEY,
  group_name text NOT NULL,
  heartbeat_at timestamptz NOT NULL DEFAULT now(),
  backend_pid int NOT NULL,
  backend_started timestamptz NOT NULL
);

CREATE TABLE leases (
  group_name text NOT NULL,
  partition int NOT NULL,
  owner uuid,
  epoch bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (group_name, partition)
) WITH (fillfactor = 50);
