DROP INDEX tasks_user_id_status_idx;
