-- What each day changed in an account's balance, by booking date. The balance at the end of a day is the sum up to it.
CREATE TABLE balance_history (
  user_id text NOT NULL,
  account_id text NOT NULL,
  booked_on date NOT NULL,
  change_minor numeric NOT NULL,
  transaction_count bigint NOT NULL,
  PRIMARY KEY (user_id, account_id, booked_on)
) WITH (fillfactor = 70);

-- As daily_aggregates, of what came in: positive amounts.
CREATE TABLE daily_income (
  user_id text NOT NULL,
  booked_on date NOT NULL,
  category_id text NOT NULL,
  currency text NOT NULL,
  total_minor numeric NOT NULL,
  transaction_count bigint NOT NULL,
  PRIMARY KEY (user_id, booked_on, category_id, currency)
) WITH (fillfactor = 70);

SELECT saldo_wall('balance_history'), saldo_wall('daily_income');
