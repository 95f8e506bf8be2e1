DROP FUNCTION lease_beat(uuid, text, int, int);
DROP TABLE leases;
DROP TABLE members;
