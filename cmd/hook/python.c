#include "cmd/hook/python.h"

#include <dlfcn.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at;
} symbols[] = {
    {"Py_IsInitialized", offsetof(struct python, is_initialized)},
    {"PyGILState_Ensure", offsetof(struct python, gil_ensure)},
    {"PyGILState_Release", offsetof(struct python, gil_release)},
    {"PyGILState_GetThisThreadState", offsetof(struct python, this_thread_state)},
    {"_PyThreadState_UncheckedGet", offsetof(struct python, current_state)},
    {"PyThreadState_GetUnchecked",
     offsetof(struct python, current_state)}, /* 3.13 on; wins where both exist */
    {"PyEval_SaveThread", offsetof(struct python, save_thread)},
    {"PyEval_RestoreThread", offsetof(struct python, restore_thread)},
    {"Py_AddPendingCall", offsetof(struct python, add_pending_call)},
    {"PyModule_Create2", offsetof(struct python, module_create)},
    {"PyArg_ParseTupleAndKeywords", offsetof(struct python, parse_tuple_and_keywords)},
    {"PyUnicode_FSConverter", offsetof(struct python, fs_converter)},
    {"PyBytes_AsString", offsetof(struct python, bytes_as_string)},
    {"PyUnicode_DecodeFSDefault", offsetof(struct python, decode_fs_default)},
    {"Py_BuildValue", offsetof(struct python, build_value)},
    {"PyBool_FromLong", offsetof(struct python, bool_from_long)},
    {"PyCFunction_NewEx", offsetof(struct python, function_new)},
    {"PyImport_ImportModule", offsetof(struct python, import_module)},
    {"PyArg_ParseTuple", offsetof(struct python, parse_tuple)},
    {"PyBytes_Size", offsetof(struct python, bytes_size)},
    {"PyList_GetItem", offsetof(struct python, list_get)},
    {"PyDict_GetItemString", offsetof(struct python, dict_get)},
    {"PyDict_New", offsetof(struct python, dict_new)},
    {"PyDict_SetItemString", offsetof(struct python, dict_set)},
    {"PyDict_Next", offsetof(struct python, dict_next)},
    {"Py_CompileString", offsetof(struct python, compile)},
    {"PyEval_EvalCode", offsetof(struct python, eval_code)},
    {"PyObject_CallFunction", offsetof(struct python, call_function)},
    {"PyErr_CheckSignals", offsetof(struct python, check_signals)},
    {"PyObject_CallMethod", offsetof(struct python, call_method)},
    {"PyObject_GetAttrString", offsetof(struct python, get_attribute)},
    {"Py_IncRef", offsetof(struct python, incref)},
    {"Py_DecRef", offsetof(struct python, decref)},
    {"PyErr_SetString", offsetof(struct python, error_set_string)},
    {"PyErr_SetObject", offsetof(struct python, error_set_object)},
    {"PyErr_Clear", offsetof(struct python, error_clear)},
    {"PyErr_Occurred", offsetof(struct python, error_occurred)},
    {"PyErr_Fetch", offsetof(struct python, error_fetch)},
    {"PyErr_Restore", offsetof(struct python, error_restore)},
    {"PyMem_GetAllocator", offsetof(struct python, get_allocator)},
    {"PyMem_SetAllocator", offsetof(struct python, set_allocator)},
    {"PyExc_RuntimeError", offsetof(struct python, runtime_error)},
    {"PyExc_OSError", offsetof(struct python, os_error)},
    {"PyExc_ImportError", offsetof(struct python, import_error)},
    {"_Py_NoneStruct", offsetof(struct python, none)},
    {"PyFunction_Type", offsetof(struct python, function_type)},
    {"PyCode_Type", offsetof(struct python, code_type)},
    {"PyMemberDescr_Type", offsetof(struct python, member_type)},
    {"PyGetSetDescr_Type", offsetof(struct python, getset_type)},
    {"PyProperty_Type", offsetof(struct python, property_type)},
    {"PyLong_Type", offsetof(struct python, int_type)},
    {"PyFloat_Type", offsetof(struct python, float_type)},
    {"PyBytes_Type", offsetof(struct python, bytes_type)},
    {"PyBool_Type", offsetof(struct python, bool_type)},
};

void python_find(struct python *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *address = dlsym(RTLD_DEFAULT, symbols[i].name);
        if (address)
            memcpy((char *)ret + symbols[i].at, &address, sizeof address);
    }
}

bool python_gil_is_ours(const struct python *python)
{
    if (!python->is_initialized || !python->is_initialized() || !python->current_state ||
        !python->this_thread_state)
        return false;
    void *current = python->current_state();
    return current && current == python->this_thread_state();
}
