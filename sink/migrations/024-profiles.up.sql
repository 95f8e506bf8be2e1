-- The preferences of users who have set some. The clock asks it whose midnight it is.
CREATE TABLE profiles (
  user_id text PRIMARY KEY,
  base_currency text NOT NULL,
  time_zone text NOT NULL,
  locale text NOT NULL,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX profiles_by_time_zone ON profiles (time_zone, user_id);

SELECT saldo_wall('profiles');
