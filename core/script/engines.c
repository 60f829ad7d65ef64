#include "script/engines.h"

#include "script/db/listen.h"
#include "script/request/lib_stream.h"
#include "script/runtime/engine.h"
#include "script/runtime/spawn.h"
#include "script/runtime/task_internal.h"

static struct engine *engine_at(struct list *l)
{
    return LIST_OF(l, struct engine, link);
}

unsigned engines_tasks(const struct script_env *env)
{
    unsigned n = 0;
    for (struct list *l = env->engines->next; l != env->engines; l = l->next)
        n += engine_at(l)->live - engine_at(l)->background;
    return n;
}

unsigned engines_background(const struct script_env *env)
{
    unsigned n = 0;
    for (struct list *l = env->engines->next; l != env->engines; l = l->next)
        n += engine_at(l)->background;
    return n;
}

size_t engines_heap(const struct script_env *env)
{
    size_t n = 0;
    for (struct list *l = env->engines->next; l != env->engines; l = l->next)
        n += engine_at(l)->heap_bytes;
    return n;
}

void engines_cancel_tasks(const struct script_env *env)
{
    for (struct list *l = env->engines->next; l != env->engines; l = l->next) {
        struct engine *e = engine_at(l);
        for (struct list *k = e->tasks.next; k != &e->tasks; k = k->next) {
            struct task *t = LIST_OF(k, struct task, link);
            if (t->spawned != SPAWN_BACKGROUND)
                task_cancel(t, TASK_STOPPED);
        }
    }
}

void engines_end_streams(const struct script_env *env)
{
    for (struct list *l = env->engines->next; l != env->engines; l = l->next)
        lib_stream_end_detached(engine_at(l));
}

void engines_end_background(const struct script_env *env)
{
    for (struct list *l = env->engines->next; l != env->engines; l = l->next) {
        db_listeners_end(engine_at(l));
        spawn_end_background(engine_at(l));
    }
}
