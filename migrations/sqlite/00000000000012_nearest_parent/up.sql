-- Nothing to do: only PostgreSQL takes a lock for each parent that it checks.
SELECT 1;
