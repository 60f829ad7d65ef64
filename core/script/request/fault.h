#ifndef SCRIPT_REQUEST_FAULT_H
#define SCRIPT_REQUEST_FAULT_H
/* A task of a request that did not end with an answer: what the client hears and what the log keeps. */
#include "script/runtime/task_internal.h"

/* Answers t->req. The error value is on top of t->co when how is OUTCOME_ERROR. */
void fault_answer(struct task *t, enum task_outcome how);
/* For the log alone: what ended a task that has nobody to answer, or whose answer is on its way already. Takes the error
 * value off as well. */
void fault_log(struct task *t, enum task_outcome how, const char *message);
#endif
