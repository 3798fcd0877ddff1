/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coroutines; see coroutine.h. Stacks are changed by hand, as the System V ABI for x86-64 has it:
 * swapcontext() would ask the kernel for the signal mask twice, and hundreds of thousands of
 * schedules a second are worth more.
 */
#include "tests/unit/coroutine.h"

#include <stdlib.h>

#include "base/error.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* The sanitizer's second stack, for locals used after their function's return, would be mapped and
 * unmapped for each coroutine: a hundred times slower. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_stack_use_after_return=0";
}
#endif

#define STACK_SIZE (256u << 10)

/* The last change of stacks, for whoever goes on after it. */
static _Thread_local struct coroutine *came_from, *goes_to;

/* First thing on the new stack. */
static void arrived(struct coroutine *c)
{
#ifdef WITH_ASAN
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(c->fake, &bottom, &size);
    came_from->bottom = bottom;
    came_from->bottom_size = size;
#else
    (void)c;
#endif
}

/* Last thing on the old stack, which is gone for good if `ends`. */
static void departs(struct coroutine *from, struct coroutine *to, bool ends)
{
    came_from = from;
    goes_to = to;
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(ends ? NULL : &from->fake, to->bottom, to->bottom_size);
#else
    (void)ends;
#endif
}

/* Stores the stack pointer in *from and goes on with stack pointer `to`. Only what a function must
 * preserve is saved; floating point control is one for all. */
void coroutine_change_stacks(uintptr_t *from, uintptr_t to);
__asm__(".text\n"
        ".type coroutine_change_stacks, @function\n"
        "coroutine_change_stacks:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size coroutine_change_stacks, . - coroutine_change_stacks\n");
#define SAVED 6 /* registers */

/* What the first change to a new stack returns to. */
static void enter(void)
{
    struct coroutine *c = goes_to;

    arrived(c);
    c->run(c->arg);
    abort();
}

void coroutine_start(struct coroutine *c, void (*run)(void *arg), void *arg)
{
    uintptr_t *top;

    if (!c->stack) {
        c->size = STACK_SIZE;
        c->stack = g_malloc(c->size);
    }
#ifdef WITH_ASAN
    ASAN_UNPOISON_MEMORY_REGION(c->stack, c->size);
#endif
    c->bottom = c->stack;
    c->bottom_size = c->size;
    c->fake = NULL;
    c->run = run;
    c->arg = arg;
    /* as if enter() had been called: its frame is aligned, and has nothing to return to */
    top = (uintptr_t *)(((uintptr_t)c->stack + c->size) & ~(uintptr_t)15);
    *--top = 0;
    *--top = (uintptr_t)enter;
    for (unsigned i = 0; i < SAVED; i++)
        *--top = 0;
    c->sp = (uintptr_t)top;
}

void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
    departs(from, to, false);
    coroutine_change_stacks(&from->sp, to->sp);
    arrived(from);
}

void coroutine_leave(struct coroutine *from, struct coroutine *to)
{
    departs(from, to, true);
    coroutine_change_stacks(&from->sp, to->sp);
    abort();
}

void coroutine_free(struct coroutine *c)
{
    g_free(c->stack);
    c->stack = NULL;
}
