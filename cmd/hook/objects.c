#include "cmd/hook/objects.h"

#include "cmd/hook/hook.h"
#include "formats/cpython/cpython_layout.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

uint64_t hook_objects[HOOK_OBJECTS_MAX];
size_t hook_object_count;
uint64_t hook_functions[HOOK_FUNCTIONS_MAX];
size_t hook_function_count;
struct capture_call hook_calls[HOOK_CALLS_MAX];
uint64_t hook_passed[HOOK_CALLS_MAX * HOOK_PASSED_MAX];
uint64_t hook_answers;

static pthread_t callers[HOOK_CALLS_MAX]; /* the threads of hook_calls */

static uint64_t address_of(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

static uint64_t word_at(const void *object, uint32_t offset)
{
    uint64_t word;
    memcpy(&word, (const char *)object + offset, sizeof word);
    return word;
}

static bool is_type(const void *object, uint64_t type)
{
    return type != 0 && word_at(object, OB_TYPE) == type;
}

/* ---- of which interpreter ---- */

static struct {
    uint64_t address, id; /* address 0: of none */
    unsigned generation;
    bool watched; /* until Python ends */
} interpreter;

static void forget(void)
{
    hook_object_count = hook_function_count = 0;
    hook_answers = 0;
    interpreter.address = 0;
    interpreter.generation++;
}

static void python_ended(void)
{
    forget();
    memset(hook_calls, 0, sizeof hook_calls);
    memset(hook_passed, 0, sizeof hook_passed);
    interpreter.watched = false;
}

/* Another main interpreter has the same address and number. */
static void watch_end(void)
{
    int (*at_exit)(void (*)(void));
    void *found = interpreter.watched ? NULL : dlsym(RTLD_DEFAULT, "Py_AtExit");
    memcpy(&at_exit, &found, sizeof at_exit);
    if (at_exit && at_exit(python_ended) == 0)
        interpreter.watched = true;
}

void hook_objects_begin(void)
{
    const struct cpython_layout *l = hook.runtime.layout;
    void *thread = hook.python.current_state ? hook.python.current_state() : NULL;
    if (!thread || !l)
        return;
    uint64_t address = word_at(thread, TSTATE_INTERP),
             id = l->interp_id != NONE ? word_at((void *)(uintptr_t)address, l->interp_id) : 0;
    if (interpreter.address == address && interpreter.id == id)
        return;
    if (interpreter.address != 0)
        forget(); /* with their references: nobody knows whether they can still be given back */
    watch_end();
    interpreter.address = address;
    interpreter.id = id;
}

unsigned hook_objects_generation(void)
{
    return interpreter.generation;
}

/* ---- the hook's own ---- */

void hook_object_add(void *object)
{
    if (!object || object == hook.python.none || hook_object_count == HOOK_OBJECTS_MAX)
        return;
    for (size_t i = 0; i < hook_object_count; i++)
        if (hook_objects[i] == address_of(object))
            return;
    hook.python.incref(object);
    hook_objects[hook_object_count++] = address_of(object);
}

void hook_function_add(void *object)
{
    hook_object_add(object);
    for (size_t i = 0; i < hook_function_count; i++)
        if (hook_functions[i] == address_of(object))
            return;
    if (object && hook_function_count < HOOK_FUNCTIONS_MAX)
        hook_functions[hook_function_count++] = address_of(object);
}

/* ---- what an object is made of ---- */

typedef int visit(void *object, void *context);

static void traverse(void *object, visit *each, void *context)
{
    uint64_t address = word_at((void *)(uintptr_t)word_at(object, OB_TYPE), TP_TRAVERSE);
    int (*function)(void *, visit *, void *);
    memcpy(&function, &address, sizeof function);
    if (function)
        (void)function(object, each, context);
}

/* Of what a function, a class or a dict of ours refers to, that which is ours too. */
static int add_part(void *object, void *not_this)
{
    const struct python *python = &hook.python;
    const struct cpython_runtime *runtime = &hook.runtime;
    bool ours =
        is_type(object, address_of(python->function_type)) ||
        is_type(object, address_of(python->code_type)) || is_type(object, address_of(python->member_type)) ||
        is_type(object, address_of(python->getset_type)) ||
        is_type(object, address_of(python->property_type)) ||
        (is_type(object, runtime->tuple_type) && word_at(object, OB_SIZE) > 0) ||
        is_type(object, runtime->list_type) || (is_type(object, runtime->dict_type) && object != not_this);
    if (ours)
        hook_object_add(object);
    return 0;
}

/* Code has no tp_traverse, and its tuples are tracked until the collector has looked at them. */
static void add_code_parts(void *code, void *not_this)
{
    const struct cpython_layout *l = hook.runtime.layout;
    const uint32_t offsets[] = {l->code_consts,   l->code_names,    l->code_localsplusnames,
                                l->code_varnames, l->code_freevars, l->code_cellvars};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        void *part = NULL;
        if (offsets[i] != NONE)
            memcpy(&part, (const char *)code + offsets[i], sizeof part);
        if (part)
            (void)add_part(part, not_this);
    }
}

void hook_object_add_all(void *object, const void *not_this)
{
    void *context = (void *)(uintptr_t)not_this;
    size_t i = hook_object_count;
    hook_object_add(object);
    for (; i < hook_object_count; i++) {
        void *part = (void *)(uintptr_t)hook_objects[i];
        if (is_type(part, address_of(hook.python.code_type)))
            add_code_parts(part, context);
        traverse(part, add_part, context);
    }
}

static int add_container(void *object, void *unused)
{
    (void)unused;
    const struct cpython_runtime *runtime = &hook.runtime;
    bool container = is_type(object, runtime->dict_type) || is_type(object, runtime->list_type) ||
                     is_type(object, runtime->tuple_type);
    if (container && (uint32_t)word_at(object, OB_REFCNT) == 1)
        hook_object_add(object);
    return 0;
}

void hook_object_add_instance(void *object)
{
    const uint64_t is_class = UINT64_C(1) << 31; /* Py_TPFLAGS_TYPE_SUBCLASS */
    if ((word_at((void *)(uintptr_t)word_at(object, OB_TYPE), TP_FLAGS) & is_class) != 0)
        return;
    size_t i = hook_object_count;
    hook_object_add(object);
    if (i == hook_object_count)
        return; /* known */
    traverse(object, add_container, NULL);
    for (size_t end = hook_object_count; ++i < end;) /* its __dict__ */
        if (is_type((void *)(uintptr_t)hook_objects[i], hook.runtime.dict_type))
            traverse((void *)(uintptr_t)hook_objects[i], add_container, NULL);
}

/* ---- calls under way ---- */

int hook_call_begin(void *arguments, void *keywords)
{
    int call = 0;
    while (call < HOOK_CALLS_MAX && hook_calls[call].thread != 0)
        call++;
    if (call == HOOK_CALLS_MAX || !arguments)
        return -1;
    callers[call] = pthread_self();
    hook_calls[call] = (struct capture_call){.thread = address_of(hook.python.current_state()),
                                             .arguments = address_of(arguments),
                                             .keywords = address_of(keywords)};
    /* Made for this call, unless the program holds it too: f(*its_own_tuple). */
    if (word_at(arguments, OB_SIZE) > 0 && (uint32_t)word_at(arguments, OB_REFCNT) == 1)
        hook_call_pass(call, arguments);
    if (keywords && (uint32_t)word_at(keywords, OB_REFCNT) == 1)
        hook_call_pass(call, keywords);
    return call;
}

void hook_call_pass(int call, void *object)
{
    if (call < 0)
        return;
    uint64_t *places = hook_passed + (size_t)call * HOOK_PASSED_MAX;
    for (int i = 0; i < HOOK_PASSED_MAX; i++) {
        if (places[i] == address_of(object))
            return;
        if (places[i] == 0) {
            places[i] = address_of(object);
            return;
        }
    }
}

void hook_call_end(int call)
{
    if (call < 0)
        return;
    memset(hook_passed + (size_t)call * HOOK_PASSED_MAX, 0, HOOK_PASSED_MAX * sizeof *hook_passed);
    hook_calls[call] = (struct capture_call){0};
}

void hook_calls_after_fork(void)
{
    for (int call = 0; call < HOOK_CALLS_MAX; call++)
        if (hook_calls[call].thread != 0 && !pthread_equal(callers[call], pthread_self()))
            hook_call_end(call);
}
