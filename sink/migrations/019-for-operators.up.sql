-- What waits for a review: counted for all users, and listed for one. Few transactions do.
CREATE INDEX transactions_to_review ON transactions (user_id, booked_on DESC, transaction_id DESC)
  WHERE status = 'recorded' AND needs_review;

-- Spending of all users by day, for Grafana. A figure of fewer than five users says something about one of them.
CREATE VIEW daily_totals WITH (security_barrier) AS
  SELECT booked_on, category_id, currency, count(DISTINCT user_id) AS users, sum(total_minor) AS total_minor,
         sum(transaction_count)::bigint AS transaction_count
    FROM daily_aggregates
   GROUP BY booked_on, category_id, currency
  HAVING count(DISTINCT user_id) >= 5;
GRANT SELECT ON daily_totals TO saldo_grafana;
