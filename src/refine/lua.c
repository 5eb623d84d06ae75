/*
 * The sandbox around Lua 5.4 (Lua 5.4 Reference Manual).
 *
 * What an expression can reach is a table made here by hand, its environment (upvalue _ENV): our
 * functions, some of `math`, tonumber, type, error. The table is behind another one that
 * refuses to be written, so nothing stays from one run to the next and a run gives the same result
 * again. Left out on purpose: the string library, whose rep, format and patterns work long in C
 * where no hook counts; load and its kin; pcall, which could catch the stop; coroutines,
 * metatables, raw access; math.random.
 *
 * Three limits. Steps are counted by a hook every HOOK_STEPS instructions, which also looks at the
 * clock. Memory is limited by the allocator, which answers NULL: Lua then raises an error and goes
 * on. Everything that can raise an error runs inside lua_pcall, also setting up, so the library's
 * panic, which would end the process, cannot be reached.
 *
 * Lua unwinds by longjmp: functions called from it hold nothing that must be given back.
 */
#include "refine/script.h"

#include <math.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "core/buf.h"
#include "core/check.h"
#include "core/mem.h"

enum { HOOK_STEPS = 100, WORDS_MAX = 200 };

struct script {
    lua_State *state;
    const struct clock *clock;
    size_t used_bytes;
    int environment; // Reference of the table that expressions see.
    int last_result; // Reference that keeps a text alive until the next run.
    /* Of the run under way. */
    const struct script_world *world;
    int64_t deadline_mono_ns;
    int64_t steps;
    bool is_bad; // An input was bad: the reason of the error that is on its way.
};

/* Where our own functions find us: the state's extra space holds one pointer. */
static struct script *script_of(lua_State *state) {
    struct script *script;
    memcpy(&script, lua_getextraspace(state), sizeof script);
    return script;
}

static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
    struct script *script = context;
    size_t before = block != NULL ? old_size : 0; // Else old_size names a kind of object.
    if (new_size == 0) {
        script->used_bytes -= before;
        mem_free(block);
        return NULL;
    }
    if (new_size > before && script->used_bytes + (new_size - before) > SCRIPT_MEMORY_BYTES) {
        return NULL;
    }
    script->used_bytes = script->used_bytes - before + new_size;
    return mem_resize(block, new_size);
}

static void count_steps(lua_State *state, lua_Debug *where) {
    (void)where;
    struct script *script = script_of(state);
    script->steps += HOOK_STEPS;
    if (script->steps > SCRIPT_STEPS_MAX) {
        (void)luaL_error(state, "more than %d steps", SCRIPT_STEPS_MAX);
    }
    if (clock_mono_ns(script->clock) > script->deadline_mono_ns) {
        (void)luaL_error(state, "longer than %d ms", SCRIPT_TIME_MS);
    }
}

/* ---- What an expression may call ---- */

static void push_value(lua_State *state, const struct script_value *value) {
    switch (value->kind) {
    case SCRIPT_NIL: lua_pushnil(state); break;
    case SCRIPT_REAL: lua_pushnumber(state, value->real); break;
    case SCRIPT_WHOLE: lua_pushinteger(state, value->whole); break;
    case SCRIPT_TRUTH: lua_pushboolean(state, value->whole != 0); break;
    case SCRIPT_TEXT: (void)lua_pushlstring(state, value->text.data, value->text.size); break;
    }
}

/* Asks the world; an unknown name or a bad input ends the run, unless `may_be_bad`. */
static enum script_reply ask(
    lua_State *state, const struct script_ask *ask, bool may_be_bad, struct script_value *value) {
    struct script *script = script_of(state);
    if (script->world == NULL) {
        (void)luaL_error(state, "not while compiling");
    }
    enum script_reply reply = script->world->answer(script->world->context, ask, value);
    if (reply == REPLY_UNKNOWN) {
        (void)luaL_error(state,
            "\"%s\" is no input: write the names of tags and sizes of windows as they are",
            ask->name.data);
    }
    if (reply == REPLY_BAD && !may_be_bad) {
        script->is_bad = true;
        (void)luaL_error(state, "an input is bad");
    }
    return reply;
}

static struct str check_name(lua_State *state) {
    size_t size = 0;
    const char *name = luaL_checklstring(state, 1, &size);
    return (struct str){name, size};
}

static int call_tag(lua_State *state) {
    bool has_otherwise = lua_gettop(state) >= 2;
    struct script_ask question = {.question = ASK_VALUE, .name = check_name(state)};
    struct script_value value = {.kind = SCRIPT_NIL};
    if (ask(state, &question, has_otherwise, &value) == REPLY_BAD) {
        lua_pushvalue(state, 2);
    } else {
        push_value(state, &value);
    }
    return 1;
}

static int call_previous(lua_State *state) {
    struct script_ask question = {.question = ASK_PREVIOUS, .name = check_name(state)};
    struct script_value value = {.kind = SCRIPT_NIL};
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    return 1;
}

static int call_delta(lua_State *state) {
    struct script_ask question = {.question = ASK_VALUE, .name = check_name(state)};
    struct script_value value = {.kind = SCRIPT_NIL};
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    question.question = ASK_PREVIOUS;
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    lua_arith(state, LUA_OPSUB);
    return 1;
}

static int call_good(lua_State *state) {
    struct script_ask question = {.question = ASK_GOOD, .name = check_name(state)};
    struct script_value value = {.kind = SCRIPT_NIL};
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    return 1;
}

static int call_age(lua_State *state) {
    struct script_ask question = {.question = ASK_AGE, .name = check_name(state)};
    struct script_value value = {.kind = SCRIPT_NIL};
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    return 1;
}

static int call_time(lua_State *state) {
    struct script_ask question = {.question = ASK_TIME, .name = STR_NONE};
    struct script_value value = {.kind = SCRIPT_NIL};
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    return 1;
}

static int call_window(lua_State *state, enum script_question which) {
    struct script_ask question = {.question = which, .name = check_name(state)};
    question.size = luaL_checknumber(state, 2);
    if (lua_gettop(state) >= 3) {
        if (strcmp(luaL_checkstring(state, 3), "rows") != 0) {
            return luaL_error(state, "the third argument may only be \"rows\"");
        }
        question.by_rows = true;
    }
    struct script_value value = {.kind = SCRIPT_NIL};
    (void)ask(state, &question, false, &value);
    push_value(state, &value);
    return 1;
}

static int call_sum(lua_State *state) {
    return call_window(state, ASK_SUM);
}

static int call_avg(lua_State *state) {
    return call_window(state, ASK_AVERAGE);
}

static int call_min(lua_State *state) {
    return call_window(state, ASK_MINIMUM);
}

static int call_max(lua_State *state) {
    return call_window(state, ASK_MAXIMUM);
}

static int call_write(lua_State *state) {
    return luaL_error(state, "an expression keeps nothing: write `local` before a name");
}

static const luaL_Reg FUNCTIONS[] = {{"tag", call_tag}, {"previous", call_previous},
    {"delta", call_delta}, {"good", call_good}, {"age", call_age}, {"time", call_time},
    {"sum", call_sum}, {"avg", call_avg}, {"min", call_min}, {"max", call_max}, {NULL, NULL}};

/* ---- Setting up ---- */

/* Puts a read-only view of the table on top in its place. */
static void seal(lua_State *state) {
    lua_newtable(state); // The view.
    lua_newtable(state); // Its metatable.
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, call_write);
    lua_setfield(state, -2, "__newindex");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    (void)lua_setmetatable(state, -2);
    lua_remove(state, -2);
}

/* Copies named members of the table at `from` into the one on top. */
static void copy_members(lua_State *state, int from, const char *const *names) {
    for (size_t i = 0; names[i] != NULL; i++) {
        (void)lua_getfield(state, from, names[i]);
        lua_setfield(state, -2, names[i]);
    }
}

static int set_up(lua_State *state) {
    static const char *const BASE[] = {"tonumber", "type", "error", NULL};
    static const char *const MATH[] = {"abs", "ceil", "cos", "exp", "floor", "fmod", "huge", "log",
        "max", "min", "modf", "pi", "sin", "sqrt", "tan", "tointeger", "type", NULL};
    struct script *script = lua_touserdata(state, 1);
    luaL_requiref(state, "_G", luaopen_base, 0);
    int base = lua_gettop(state);
    luaL_requiref(state, "math", luaopen_math, 0);
    int math = lua_gettop(state);
    lua_newtable(state);
    luaL_setfuncs(state, FUNCTIONS, 0);
    copy_members(state, base, BASE);
    lua_newtable(state);
    copy_members(state, math, MATH);
    seal(state);
    lua_setfield(state, -2, "math");
    seal(state);
    script->environment = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

struct script *script_new(const struct clock *clock) {
    struct script *script = MEM_NEW(struct script);
    script->clock = clock;
    script->last_result = LUA_NOREF;
    script->state = lua_newstate(allocate, script);
    CHECK(script->state != NULL); // An empty state is far below the limit.
    memcpy(lua_getextraspace(script->state), &script, sizeof script);
    lua_pushcfunction(script->state, set_up);
    lua_pushlightuserdata(script->state, script);
    CHECK(lua_pcall(script->state, 1, 0, 0) == LUA_OK);
    return script;
}

void script_free(struct script *script) {
    if (script != NULL) {
        lua_close(script->state);
        mem_free(script);
    }
}

/* ---- Compiling and running ---- */

/* The error on top as words: "line 1: ...". Takes it off. */
static int failure(struct script *script, enum msg_id msg, struct err *err) {
    size_t size = 0;
    lua_State *state = script->state;
    /* Only a text is looked at: turning another value into one may need memory. */
    const char *text = lua_type(state, -1) == LUA_TSTRING ? lua_tolstring(state, -1, &size) : "?";
    struct str words = {text, size > 0 ? size : 1};
    words = str_slice(words, 0, WORDS_MAX);
    while (words.size > 0 && !str_is_utf8(words, NULL)) {
        words.size--; // Cut inside a character, or the expression's own bytes.
    }
    int status = err_set(err, ERR_INVALID, msg, ARGS(A_STR(words)));
    lua_settop(state, 0);
    return status;
}

struct source {
    struct script *script;
    struct str text;
    int number;
};

static int load_text(lua_State *state, struct str text) {
    return luaL_loadbufferx(state, text.data, text.size, "=line", "t");
}

/* As an expression, and if it is none as statements; the words are those of the second try, unless
 * there is no `return`, where the first ones say what was meant. */
static int load_source(lua_State *state) {
    struct source *source = lua_touserdata(state, 1);
    lua_pushliteral(state, "return ");
    (void)lua_pushlstring(state, source->text.data, source->text.size);
    lua_concat(state, 2);
    size_t size = 0;
    const char *text = lua_tolstring(state, -1, &size);
    if (load_text(state, (struct str){text, size}) != LUA_OK) {
        bool has_return = false;
        for (size_t i = 0; i < source->text.size && !has_return; i++) {
            has_return = str_starts(str_slice(source->text, i, source->text.size), STR("return"));
        }
        if (!has_return || (lua_pop(state, 1), load_text(state, source->text)) != LUA_OK) {
            return lua_error(state);
        }
    }
    (void)lua_rawgeti(state, LUA_REGISTRYINDEX, source->script->environment);
    CHECK(lua_setupvalue(state, -2, 1) != NULL); // _ENV is the first upvalue of a chunk.
    source->number = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

int script_compile(struct script *script, struct str text, int *ret_number, struct err *err) {
    lua_State *state = script->state;
    struct source source = {.script = script, .text = text};
    lua_settop(state, 0);
    lua_pushcfunction(state, load_source);
    lua_pushlightuserdata(state, &source);
    if (lua_pcall(state, 1, 0, 0) != LUA_OK) {
        return failure(script, MSG_SCRIPT_COMPILE, err);
    }
    *ret_number = source.number;
    return 0;
}

struct run {
    struct script *script;
    int number;
    struct script_value value;
};

/* Calls the expression and keeps its result alive. */
static int call_source(lua_State *state) {
    struct run *run = lua_touserdata(state, 1);
    struct script *script = run->script;
    luaL_unref(state, LUA_REGISTRYINDEX, script->last_result);
    script->last_result = LUA_NOREF;
    (void)lua_rawgeti(state, LUA_REGISTRYINDEX, run->number);
    lua_call(state, 0, 1);
    struct script_value *value = &run->value;
    switch (lua_type(state, -1)) {
    case LUA_TNIL: value->kind = SCRIPT_NIL; break;
    case LUA_TBOOLEAN:
        value->kind = SCRIPT_TRUTH;
        value->whole = lua_toboolean(state, -1);
        break;
    case LUA_TNUMBER:
        value->kind = lua_isinteger(state, -1) ? SCRIPT_WHOLE : SCRIPT_REAL;
        value->whole = lua_tointeger(state, -1);
        value->real = lua_tonumber(state, -1);
        break;
    case LUA_TSTRING:
        value->kind = SCRIPT_TEXT;
        value->text.data = lua_tolstring(state, -1, &value->text.size);
        script->last_result = luaL_ref(state, LUA_REGISTRYINDEX);
        break;
    default:
        return luaL_error(state, "the result is a %s; it must be a number, a text, true or false",
            luaL_typename(state, -1));
    }
    return 0;
}

int script_run(struct script *script, int number, const struct script_world *world,
    struct script_value *ret_value, struct err *err) {
    lua_State *state = script->state;
    struct run run = {.script = script, .number = number, .value.text = STR_NONE};
    script->world = world;
    script->steps = 0;
    script->is_bad = false;
    script->deadline_mono_ns = clock_mono_ns(script->clock) + SCRIPT_TIME_MS * NS_PER_MS;
    lua_settop(state, 0);
    lua_sethook(state, count_steps, LUA_MASKCOUNT, HOOK_STEPS);
    lua_pushcfunction(state, call_source);
    lua_pushlightuserdata(state, &run);
    int status = lua_pcall(state, 1, 0, 0);
    lua_sethook(state, NULL, 0, 0);
    script->world = NULL;
    if (status != LUA_OK && script->is_bad) {
        lua_settop(state, 0);
        return 0;
    }
    if (status != LUA_OK) {
        return failure(script, MSG_SCRIPT_RUN, err);
    }
    *ret_value = run.value;
    return 1;
}
