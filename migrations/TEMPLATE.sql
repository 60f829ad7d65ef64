-- What changes, and why.
--
-- Keys are uuid with gen_random_uuid(), times are timestamptz, and every constraint is named <table>_<what>, so that a
-- refused write can be told to the client by field. The file runs in one transaction, unless its first line says
-- "-- no-transaction".

