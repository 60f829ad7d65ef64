-- "My pending tasks, the newest first" reads its page and its count from this index alone. With the indexes of 0001 it
-- took all tasks of that status, whoever's they are, and picked this user's: 2.3 ms in place of 0.6 with 100,000 tasks.
CREATE INDEX tasks_user_id_status_idx ON tasks (user_id, status, created_at DESC, id DESC);
