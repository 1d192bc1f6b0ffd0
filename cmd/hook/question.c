#include "cmd/hook/question.h"

#include "cmd/hook/hook.h"
#include "cmd/hook/objects.h"
#include "cmd/hook/os.h"
#include "cmd/hook/questions_source.h"
#include "cmd/hook/snapshot.h"
#include "cmd/hook/spawn.h"
#include "cmd/hook/text.h"
#include "formats/cpython/cpython_layout.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void *names;         /* the namespace of questions.py */
static unsigned generation; /* of the hook's objects, to which it belongs */

static void *fail_errno(int error, const char *message)
{
    void *arguments = hook.python.build_value("(is)", error, message);
    if (arguments) {
        hook.python.error_set_object(*hook.python.os_error, arguments);
        hook.python.decref(arguments);
    }
    return NULL;
}

/* ---- what questions.py calls ---- */

/* Fills `ret` with the texts that lie one after the other in `bytes`, each ended by NUL. */
static void point_at_texts(char *bytes, size_t size, char **ret)
{
    size_t count = 0;
    for (char *end = bytes + size; bytes < end; bytes += strlen(bytes) + 1)
        ret[count++] = bytes;
    ret[count] = NULL;
}

enum { COMMANDS = 64 };
static struct {
    struct spawn *spawn; /* NULL: a free place */
    pthread_t thread;
    uint64_t order;   /* that of the starts */
} commands[COMMANDS]; /* under way; their numbers are what questions.py has */
static uint64_t starts;

static int free_number(void)
{
    int number = 0;
    while (number < COMMANDS && commands[number].spawn)
        number++;
    return number;
}

static void end_command(int number)
{
    spawn_kill(commands[number].spawn);
    commands[number].spawn = NULL;
}

/* Ends what this thread has started since then. */
static void end_commands_since(uint64_t order)
{
    for (int number = 0; number < COMMANDS; number++)
        if (commands[number].spawn && commands[number].order >= order &&
            pthread_equal(commands[number].thread, pthread_self()))
            end_command(number);
}

void question_after_fork(void)
{
    for (int number = 0; number < COMMANDS; number++)
        if (commands[number].spawn && !pthread_equal(commands[number].thread, pthread_self()))
            end_command(number);
}

/* start(arguments, environment, output, errors) -> number; all bytes, the first two lists of NUL-ended texts.
 */
static void *start(void *self, void *arguments)
{
    (void)self;
    const struct python *python = &hook.python;
    void *parts[4];
    char *texts[4];
    ssize_t sizes[2];
    if (!python->parse_tuple(arguments, "SSSS", parts, parts + 1, parts + 2, parts + 3))
        return NULL;
    for (int i = 0; i < 4; i++)
        texts[i] = python->bytes_as_string(parts[i]);
    for (int i = 0; i < 2; i++)
        sizes[i] = python->bytes_size(parts[i]);
    /* a text takes at least one byte, and each list is ended by a NULL */
    size_t size = ((size_t)sizes[0] + (size_t)sizes[1] + 2) * sizeof(char *);
    char **pointers = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int number = free_number();
    if (pointers == MAP_FAILED)
        return fail_errno(EAGAIN, "heldby cannot be started");
    if (number == COMMANDS) {
        munmap(pointers, size);
        return fail_errno(EAGAIN, "heldby cannot be started: too many questions at once");
    }
    char **environment = pointers + sizes[0] + 1;
    point_at_texts(texts[0], (size_t)sizes[0], pointers);
    point_at_texts(texts[1], (size_t)sizes[1], environment);
    commands[number].thread = pthread_self();
    commands[number].order = starts++;
    commands[number].spawn = spawn_start(pointers, environment, texts[2], texts[3]);
    int error = errno;
    munmap(pointers, size);
    return commands[number].spawn ? python->build_value("i", number)
                                  : fail_errno(error, "heldby cannot be started");
}

/* Takes the command of that number off the list; NULL with an exception. */
static struct spawn *take_command(int number)
{
    struct spawn *found = number >= 0 && number < COMMANDS ? commands[number].spawn : NULL;
    if (found)
        commands[number].spawn = NULL;
    else
        hook.python.error_set_string(*hook.python.runtime_error, "no such command is running");
    return found;
}

/* wait(number) -> exit status as spawn_ended has it. A signal handler that raises ends the command. */
static void *wait_for(void *self, void *arguments)
{
    (void)self;
    const struct python *python = &hook.python;
    int number, status = 0;
    if (!python->parse_tuple(arguments, "i", &number))
        return NULL;
    struct spawn *spawn = take_command(number);
    if (!spawn)
        return NULL;
    for (uint64_t pause = 200000; !spawn_ended(spawn, &status); pause = pause < 5000000 ? pause * 2 : pause) {
        void *thread = python->save_thread();
        os_sleep_ns(pause);
        python->restore_thread(thread);
        if (python->check_signals() != 0) {
            spawn_kill(spawn);
            return NULL;
        }
    }
    return python->build_value("i", status);
}

static struct py_method helpers[] = {
    {.name = "start", .function = start, .flags = PY_VARARGS},
    {.name = "wait", .function = wait_for, .flags = PY_VARARGS},
};

/* ---- the namespace ---- */

static bool set_name(void *dict, const char *name, void *value)
{
    bool done = value && hook.python.dict_set(dict, name, value) == 0;
    if (value)
        hook.python.decref(value);
    return done;
}

static bool fill(void *dict)
{
    const struct python *python = &hook.python;
    Dl_info info;
    static const char here;
    const char *library = dladdr(&here, &info) && info.dli_fname ? info.dli_fname : "";
    void *builtins = python->import_module("builtins");
    void *not_ours = builtins ? python->get_attribute(builtins, "__dict__") : NULL;
    bool done = set_name(dict, "__name__", python->build_value("s", "heldby")) &&
                set_name(dict, "__builtins__", builtins) && not_ours &&
                set_name(dict, "LIBRARY", python->decode_fs_default(library));
    for (size_t i = 0; done && i < sizeof helpers / sizeof *helpers; i++)
        done = set_name(dict, helpers[i].name, python->function_new(&helpers[i], NULL, NULL));
    void *code = done ? python->compile(questions_source, "<heldby>", PY_FILE_INPUT) : NULL;
    void *result = code ? python->eval_code(code, dict, dict) : NULL;
    if (code)
        hook_object_add_all(code, not_ours);
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
        hook_object_add(python->dict_get(dict, helpers[i].name));
    if (result) { /* classes are not part of what a dict is made of: they could be anybody's */
        hook_object_add_all(python->dict_get(dict, "Answer"), not_ours);
        hook_object_add_all(dict, not_ours);
        hook_answers = (uint64_t)(uintptr_t)python->dict_get(dict, "answers");
        python->decref(result);
    }
    if (code)
        python->decref(code);
    if (not_ours)
        python->decref(not_ours);
    return result != NULL;
}

static bool prepare(void)
{
    const struct python *python = &hook.python;
    if (names && generation == hook_objects_generation())
        return true;
    names = NULL;
    if (!python->dict_new || !python->dict_set || !python->dict_get || !python->compile ||
        !python->eval_code || !python->call_function || !python->list_get || !python->bytes_size ||
        !python->parse_tuple || !python->check_signals || !python->dict_next) {
        python->error_set_string(*python->runtime_error, "this Python lacks functions that heldby needs");
        return false;
    }
    unsigned now = hook_objects_generation();
    void *dict = python->dict_new();
    if (dict && fill(dict)) {
        names = dict;
        generation = now;
        return true;
    }
    if (dict)
        python->decref(dict);
    return false;
}

/* ---- asking ---- */

static uint64_t word_at(const void *object, uint32_t offset)
{
    uint64_t word;
    memcpy(&word, (const char *)object + offset, sizeof word);
    return word;
}

static void *object_at(const void *object, uint64_t offset)
{
    void *found;
    memcpy(&found, (const char *)object + offset, sizeof found);
    return found;
}

static bool is_list(const void *object)
{
    return word_at(object, OB_TYPE) == hook.runtime.list_type;
}

/* A number, a text: what holds it is hardly ever the question. */
static bool is_atom(const void *object)
{
    const struct python *python = &hook.python;
    void *type = object_at(object, OB_TYPE);
    return object == python->none || word_at(object, OB_TYPE) == hook.runtime.str_type ||
           type == python->int_type || type == python->float_type || type == python->bytes_type ||
           type == python->bool_type;
}

/* Does a list that was passed stand for the objects in it? Yes, if it was made for the call, which has two
 * references to it. With `loosely` also if one variable has it, and it merely collects what others hold too;
 * a list that its objects live by is asked about itself. */
static bool stands_for_objects(const void *list, bool loosely)
{
    enum { OF_THE_CALL = 2 };
    uint32_t refcount = (uint32_t)word_at(list, OB_REFCNT); /* 3.14 has flags above */
    uint64_t count = word_at(list, OB_SIZE);
    bool borrowed =
        hook.runtime.layout->minor >= 14; /* then a variable's list looks as one made for the call */
    if (!borrowed && (refcount <= OF_THE_CALL || !loosely))
        return refcount <= OF_THE_CALL;
    if (!loosely || refcount > OF_THE_CALL + 1)
        return false;
    bool objects = false;
    for (uint64_t i = 0; i < count; i++) {
        const void *item = object_at(object_at(list, LIST_ITEMS), 8 * i);
        if (is_atom(item))
            continue;
        objects = true;
        if ((uint32_t)word_at(item, OB_REFCNT) < 2)
            return false;
    }
    return objects;
}

/* Leaves the lists of targets out of the snapshot, and those made for the call that are given as options.
 * `ret`: a letter for each argument, y if it is such a list of targets, and one for the keyword `target`; up
 * to `size` with the NUL. Lists in a tuple or dict of the program, f(*its_own), live by that.
 */
static void find_lists(int call, const char *command, void *arguments, void *keywords, char *ret, size_t size)
{
    bool loosely = !command || strcmp(command, "referrers") == 0;
    bool own = (uint32_t)word_at(arguments, OB_REFCNT) > 1;
    uint64_t count = word_at(arguments, OB_SIZE);
    size_t at = 0;
    for (uint64_t i = 0; i < count && at < size - 2; i++, at++) {
        void *item = object_at(arguments, hook.runtime.layout->tuple_items + 8 * i);
        ret[at] = !own && is_list(item) && stands_for_objects(item, loosely) ? 'y' : 'n';
        if (ret[at] == 'y')
            hook_call_pass(call, item);
    }
    void *key, *value, *target = keywords ? hook.python.dict_get(keywords, "target") : NULL;
    bool made = keywords && (uint32_t)word_at(keywords, OB_REFCNT) == 1;
    ret[at] = made && target && is_list(target) && stands_for_objects(target, loosely) ? 'y' : 'n';
    ret[at + 1] = '\0';
    ssize_t position = 0;
    while (made && hook.python.dict_next(keywords, &position, &key, &value))
        if (is_list(value) && (value == target ? ret[at] == 'y' : stands_for_objects(value, false)))
            hook_call_pass(call, value);
}

/* Writes the snapshot under the first name in `order`, a list of str. */
static bool take(void *order)
{
    const struct python *python = &hook.python;
    void *bytes = NULL;
    char path[SETTINGS_PATH];
    if (!python->fs_converter(python->list_get(order, 0), &bytes))
        return false;
    bool fits = snapshot_absolute_path(python->bytes_as_string(bytes), path);
    python->decref(bytes);
    if (!fits)
        return fail_errno(ENAMETOOLONG, "the path is too long");
    struct capture_result result;
    if (snapshot_holding_gil("api", path, true, &result) != 0)
        return fail_errno(result.error, result.message);
    return true;
}

/* Without an answer: no file stays. A signal handler may raise here as well. */
static void abandon(void *function, void *order)
{
    enum { ATTEMPTS = 3 };
    const struct python *python = &hook.python;
    void *type, *value, *traceback, *done = NULL;
    python->error_fetch(&type, &value, &traceback);
    for (int i = 0; i < ATTEMPTS && !done; i++) {
        done = python->call_function(function, "(O)", order);
        python->error_clear();
    }
    if (done)
        python->decref(done);
    python->error_restore(type, value, traceback);
}

/* An exception goes up without the frames of questions.py: they hold what was passed. */
static void drop_traceback(void)
{
    const struct python *python = &hook.python;
    void *type, *value, *traceback;
    python->error_fetch(&type, &value, &traceback);
    if (traceback)
        python->decref(traceback);
    python->error_restore(type, value, NULL);
}

void *question_ask(const char *command, void *arguments, void *keywords)
{
    const struct python *python = &hook.python;
    if (!prepare())
        return NULL;
    void *dict = names; /* while this waits, another interpreter may ask */
    int call = hook_call_begin(arguments, keywords);
    char lists[256];
    find_lists(call, command, arguments, keywords, lists, sizeof lists);
    void *options = keywords ? keywords : python->none, *begun = NULL, *answer = NULL;
    void *order = python->build_value("[]");
    uint64_t first = starts;
    if (order) {
        hook_call_pass(call, order);
        begun = python->call_function(python->dict_get(dict, "begin"), "(OzOOs)", order, command, arguments,
                                      options, lists);
    }
    if (begun && take(order) && python->check_signals() == 0)
        answer = python->call_function(python->dict_get(dict, "finish"), "(O)", order);
    if (order && !answer) {
        end_commands_since(first);
        abandon(python->dict_get(dict, "abandon"), order);
    }
    hook_call_end(call);
    if (begun)
        python->decref(begun);
    if (order)
        python->decref(order);
    if (!answer)
        drop_traceback();
    return answer;
}
