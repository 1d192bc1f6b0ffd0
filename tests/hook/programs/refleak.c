/* refleak.c -- an extension module that holds references in every way a snapshot cannot see, and in ways it
 * can.
 *
 * Built by the tests for each interpreter with its own headers. What it takes it never gives back.
 *
 *      leak(object, n)      n references that nothing accounts for
 *      keep(object)         a reference in a static variable of its own
 *      Named(object)        an extension type that declares its field: tp_members and tp_traverse
 *      Nameless(object)     one that only visits it: its field has no name
 *      Hidden(object)       one that does neither
 *      Box(object)          one whose field is behind a pointer to memory of its own
 *      kept(), unboxed(box) what was kept last, what is in a box
 */
#include <Python.h>
#include <structmember.h>

static PyObject *kept[64];
static int kept_count;

static PyObject *leak(PyObject *self, PyObject *arguments)
{
    PyObject *object;
    int n;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oi", &object, &n))
        return NULL;
    for (int i = 0; i < n; i++)
        Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyObject *keep(PyObject *self, PyObject *object)
{
    (void)self;
    if (kept_count == (int)(sizeof kept / sizeof kept[0])) {
        PyErr_SetString(PyExc_OverflowError, "no more room");
        return NULL;
    }
    Py_INCREF(object);
    kept[kept_count++] = object;
    Py_RETURN_NONE;
}

typedef struct {
    PyObject_HEAD long before;
    PyObject *field;
} Holder;

static PyObject *holder_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *object;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O", &object))
        return NULL;
    Holder *holder = (Holder *)type->tp_alloc(type, 0);
    if (holder != NULL) {
        Py_INCREF(object);
        holder->field = object;
    }
    return (PyObject *)holder;
}

static int holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Holder *)self)->field);
    return 0;
}

static int holder_clear(PyObject *self)
{
    Py_CLEAR(((Holder *)self)->field);
    return 0;
}

static void holder_free(PyObject *self)
{
    if (PyType_IS_GC(Py_TYPE(self)))
        PyObject_GC_UnTrack(self);
    Py_CLEAR(((Holder *)self)->field);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef named_members[] = {{"held", T_OBJECT, offsetof(Holder, field), READONLY, NULL},
                                      {NULL, 0, 0, 0, NULL}};

static PyTypeObject named = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "refleak.Named",
                             .tp_basicsize = sizeof(Holder),
                             .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                             .tp_new = holder_new,
                             .tp_traverse = holder_traverse,
                             .tp_clear = holder_clear,
                             .tp_dealloc = holder_free,
                             .tp_members = named_members};
static PyTypeObject nameless = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "refleak.Nameless",
                                .tp_basicsize = sizeof(Holder),
                                .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                                .tp_new = holder_new,
                                .tp_traverse = holder_traverse,
                                .tp_clear = holder_clear,
                                .tp_dealloc = holder_free};
static PyTypeObject hidden = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "refleak.Hidden",
                              .tp_basicsize = sizeof(Holder), .tp_flags = Py_TPFLAGS_DEFAULT,
                              .tp_new = holder_new, .tp_dealloc = holder_free};

typedef struct {
    PyObject_HEAD PyObject **place;
} Box;

static PyObject *box_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *object;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O", &object))
        return NULL;
    Box *box = (Box *)type->tp_alloc(type, 0);
    if (box == NULL)
        return NULL;
    box->place = malloc(sizeof *box->place);
    if (box->place == NULL) {
        Py_DECREF(box);
        return PyErr_NoMemory();
    }
    Py_INCREF(object);
    *box->place = object;
    return (PyObject *)box;
}

static PyTypeObject boxed = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "refleak.Box",
                             .tp_basicsize = sizeof(Box), .tp_flags = Py_TPFLAGS_DEFAULT, .tp_new = box_new};

static PyObject *unboxed(PyObject *self, PyObject *box)
{
    (void)self;
    PyObject *object = *((Box *)box)->place;
    Py_INCREF(object);
    return object;
}

static PyObject *last_kept(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    PyObject *object = kept_count > 0 ? kept[kept_count - 1] : Py_None;
    Py_INCREF(object);
    return object;
}

static PyMethodDef methods[] = {{"leak", leak, METH_VARARGS, NULL},
                                {"keep", keep, METH_O, NULL},
                                {"kept", last_kept, METH_NOARGS, NULL},
                                {"unboxed", unboxed, METH_O, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "refleak", .m_size = -1,
                                        .m_methods = methods};

PyMODINIT_FUNC PyInit_refleak(void)
{
    PyTypeObject *const types[] = {&named, &nameless, &hidden, &boxed};
    static const char *const names[] = {"Named", "Nameless", "Hidden", "Box"};
    PyObject *module = PyModule_Create(&definition);
    for (int i = 0; module != NULL && i < 4; i++) {
        if (PyType_Ready(types[i]) < 0)
            return NULL;
        Py_INCREF(types[i]);
        if (PyModule_AddObject(module, names[i], (PyObject *)types[i]) < 0)
            return NULL;
    }
    return module;
}
