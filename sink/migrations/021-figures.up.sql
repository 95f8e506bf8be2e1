-- Figures by month and by category, made of the days when they are asked for. A view shows its reader what the tables
-- below it show him, and a condition on the user reaches their keys.

CREATE VIEW monthly_aggregates WITH (security_invoker = true) AS
  SELECT user_id, date_trunc('month', booked_on::timestamp)::date AS month, category_id, currency,
         sum(total_minor) AS total_minor, sum(transaction_count)::bigint AS transaction_count
    FROM daily_aggregates
   GROUP BY 1, 2, 3, 4;

CREATE VIEW category_aggregates WITH (security_invoker = true) AS
  SELECT user_id, category_id, currency, sum(total_minor) AS total_minor,
         sum(transaction_count)::bigint AS transaction_count, min(booked_on) AS first_on, max(booked_on) AS last_on
    FROM daily_aggregates
   GROUP BY 1, 2, 3;

-- How often a category is used, for spending or income, and when for the last time, by booking date.
CREATE VIEW category_usage WITH (security_invoker = true) AS
  SELECT user_id, category_id, currency, sum(spent_minor) AS spent_minor, sum(received_minor) AS received_minor,
         sum(transaction_count)::bigint AS transaction_count, max(booked_on) AS last_used_on
    FROM (
      SELECT user_id, category_id, currency, booked_on, total_minor AS spent_minor, 0 AS received_minor, transaction_count
        FROM daily_aggregates
      UNION ALL
      SELECT user_id, category_id, currency, booked_on, 0, total_minor, transaction_count
        FROM daily_income
    ) AS days
   GROUP BY 1, 2, 3;

-- The balance of an account at the end of each day on which something is booked.
CREATE VIEW daily_balances WITH (security_invoker = true) AS
  SELECT user_id, account_id, booked_on, change_minor,
         sum(change_minor) OVER (PARTITION BY user_id, account_id ORDER BY booked_on) AS balance_minor
    FROM balance_history;

-- What users thought of the categories that were chosen for them, by who had chosen: from one category to another, or to
-- the same one where they confirmed it. As it stands now: a transaction counts once, and a deleted one no more.
CREATE VIEW correction_statistics WITH (security_invoker = true) AS
  SELECT user_id, first_category_id AS from_category_id, category_id AS to_category_id,
         first_category_source AS source, count(*) AS correction_count
    FROM transactions
   WHERE status = 'recorded' AND category_source = 'user' AND first_category_source <> 'user'
   GROUP BY 1, 2, 3, 4;
-- Few transactions are corrected: this holds them alone, with all that the view asks for.
CREATE INDEX transactions_corrected
  ON transactions (user_id, first_category_id, category_id, first_category_source)
  WHERE status = 'recorded' AND category_source = 'user' AND first_category_source <> 'user';

GRANT SELECT ON monthly_aggregates, category_aggregates, category_usage, daily_balances, correction_statistics TO saldo_api;
