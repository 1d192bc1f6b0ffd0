#include "cmd/hook/objects.h"

#include "cmd/hook/hook.h"

uint64_t hook_objects[HOOK_OBJECTS_MAX];
size_t hook_object_count;

void hook_object_add(void *object)
{
    if (!object || object == hook.python.none || hook_object_count == HOOK_OBJECTS_MAX)
        return;
    for (size_t i = 0; i < hook_object_count; i++)
        if (hook_objects[i] == (uint64_t)(uintptr_t)object)
            return;
    hook.python.incref(object);
    hook_objects[hook_object_count++] = (uint64_t)(uintptr_t)object;
}
