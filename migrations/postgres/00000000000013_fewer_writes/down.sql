CREATE INDEX letters_of_breach ON letters (breach_id);
DO $$
BEGIN
    ALTER TABLE letters ALTER COLUMN facts SET COMPRESSION default;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'there is no choice of compression: %', SQLERRM;
END
$$;
