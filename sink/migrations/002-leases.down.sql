DROP TABLE leases;
DROP TABLE members;
