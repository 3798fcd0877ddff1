/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See native.h. */
#include "tests/unit/native.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/unit.h"

/* native_enter(state, code) jumps to code, which is to jump to native_back, with rsp as it was. */
void native_enter(struct native_state *s, const void *code);
void native_back(void);
_Static_assert(offsetof(struct native_state, rflags) == 128, "as native_enter knows it");
__asm__(".pushsection .bss\n"
        "native_at: .skip 8\n"
        "native_to: .skip 8\n"
        "native_rax: .skip 8\n"
        ".popsection\n"
        ".pushsection .text\n"
        "native_enter:\n"
        "pushq %rbx\n"
        "pushq %rbp\n"
        "pushq %r12\n"
        "pushq %r13\n"
        "pushq %r14\n"
        "pushq %r15\n"
        "movq %rdi, native_at(%rip)\n"
        "movq %rsi, native_to(%rip)\n"
        "pushq 128(%rdi)\n"
        "popfq\n"
        "movq 0(%rdi), %rax\n"
        "movq 8(%rdi), %rcx\n"
        "movq 16(%rdi), %rdx\n"
        "movq 24(%rdi), %rbx\n"
        "movq 40(%rdi), %rbp\n"
        "movq 48(%rdi), %rsi\n"
        "movq 64(%rdi), %r8\n"
        "movq 72(%rdi), %r9\n"
        "movq 80(%rdi), %r10\n"
        "movq 88(%rdi), %r11\n"
        "movq 96(%rdi), %r12\n"
        "movq 104(%rdi), %r13\n"
        "movq 112(%rdi), %r14\n"
        "movq 120(%rdi), %r15\n"
        "movq 56(%rdi), %rdi\n"
        "jmpq *native_to(%rip)\n"
        "native_back:\n"
        "movq %rax, native_rax(%rip)\n"
        "movq native_at(%rip), %rax\n"
        "movq %rcx, 8(%rax)\n"
        "movq native_rax(%rip), %rcx\n"
        "movq %rcx, 0(%rax)\n"
        "movq %rdx, 16(%rax)\n"
        "movq %rbx, 24(%rax)\n"
        "movq %rbp, 40(%rax)\n"
        "movq %rsi, 48(%rax)\n"
        "movq %rdi, 56(%rax)\n"
        "movq %r8, 64(%rax)\n"
        "movq %r9, 72(%rax)\n"
        "movq %r10, 80(%rax)\n"
        "movq %r11, 88(%rax)\n"
        "movq %r12, 96(%rax)\n"
        "movq %r13, 104(%rax)\n"
        "movq %r14, 112(%rax)\n"
        "movq %r15, 120(%rax)\n"
        "pushfq\n"
        "popq 128(%rax)\n"
        "popq %r15\n"
        "popq %r14\n"
        "popq %r13\n"
        "popq %r12\n"
        "popq %rbp\n"
        "popq %rbx\n"
        "ret\n"
        ".popsection\n");

void native_run(struct native_state *s, const uint8_t *code, size_t len)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp [rip] */
    static uint8_t *page;
    void (*back)(void) = native_back;

    if (!page) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
        assert_ptr_not_equal(page, MAP_FAILED);
    }
    memcpy(page, code, len);
    memcpy(page + len, jump, sizeof(jump));
    memcpy(page + len + sizeof(jump), &back, sizeof(back));
    native_enter(s, page);
}
