CREATE INDEX tasks_title_idx     ON tasks (title);
CREATE INDEX tasks_completed_idx ON tasks (completed);
CREATE INDEX tasks_status_idx    ON tasks (status);
DROP INDEX tasks_user_id_completed_priority_idx, tasks_user_id_status_priority_idx, tasks_user_id_title_idx;
