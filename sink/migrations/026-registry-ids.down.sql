DROP TABLE registry_schema_ids;
