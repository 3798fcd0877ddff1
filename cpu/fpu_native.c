/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest instruction on the host's x87; see fpu_native.h. */
#include "cpu/fpu_native.h"

#include "cpu/opcodes.h"

/*
 * Every x87 instruction as a little function of four bytes: 8 opcodes by 64 register forms, then 8
 * opcodes by 8 memory forms on [RDI]. x87_native_call(image, stub, mem, ah) loads the image, calls
 * the stub with the flags of `ah`, saves the image, and returns the flags.
 */
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        "x87_reg_stubs:\n"
        ".set .Lop, 0xd8\n"
        ".rept 8\n"
        ".set .Lmodrm, 0xc0\n"
        ".rept 64\n"
        ".byte .Lop, .Lmodrm, 0xc3, 0xcc\n"
        ".set .Lmodrm, .Lmodrm + 1\n"
        ".endr\n"
        ".set .Lop, .Lop + 1\n"
        ".endr\n"
        "x87_mem_stubs:\n"
        ".set .Lop, 0xd8\n"
        ".rept 8\n"
        ".set .Lmodrm, 0x07\n"
        ".rept 8\n"
        ".byte .Lop, .Lmodrm, 0xc3, 0xcc\n"
        ".set .Lmodrm, .Lmodrm + 8\n"
        ".endr\n"
        ".set .Lop, .Lop + 1\n"
        ".endr\n"
        ".p2align 4\n"
        "x87_native_call:\n"
        "movq %rdi, %r8\n"
        "movl %ecx, %eax\n"
        "shll $8, %eax\n"
        "movq %rdx, %rdi\n"
        "frstor (%r8)\n"
        "sahf\n"
        "call *%rsi\n"
        "lahf\n"
        "fnsave (%r8)\n"
        "movzbl %ah, %eax\n"
        "ret\n"
        ".popsection\n");

extern const uint8_t x87_reg_stubs[] __attribute__((visibility("hidden")));
extern const uint8_t x87_mem_stubs[] __attribute__((visibility("hidden")));
uint8_t x87_native_call(struct x87_image *im, const uint8_t *stub, void *mem, unsigned ah)
    __attribute__((visibility("hidden")));

uint8_t x87_native_run(const struct cpu *cpu, struct x87_image *im, unsigned opcode, unsigned modrm,
                       void *mem, uint8_t ah)
{
    const struct fpu *f = &cpu->fpu;
    unsigned op = opcode & 7;
    /* Pending ones are here only while IGNNE# says to ignore them; the host must not see them. */
    unsigned pending = f->sw & ~f->cw & SW_FLAGS;
    unsigned tw = 0;
    uint8_t flags;

    memset(im, 0, sizeof(*im));
    im->cw = f->cw;
    im->sw = (uint16_t)((f->sw & ~(SW_ES | SW_B | pending)) | (unsigned)f->top << SW_TOP_SHIFT);
    for (unsigned n = 0; n < 8; n++) {
        if (!(f->tags & (1u << n)))
            tw |= 3u << (2 * n);
        memcpy(im->st[n], f->st[(f->top + n) & 7], 10);
    }
    im->tw = (uint16_t)tw;
    if (modrm >= 0xc0)
        flags = x87_native_call(im, x87_reg_stubs + (op * 64 + (modrm & 63)) * 4, mem, ah);
    else
        flags = x87_native_call(im, x87_mem_stubs + (op * 8 + ((modrm >> 3) & 7)) * 4, mem, ah);
    im->sw |= (uint16_t)pending;
    return flags;
}

bool x87_native_stored(const struct cpu *cpu, const struct x87_image *im)
{
    unsigned fresh = im->sw & ~cpu->fpu.sw;

    return !(fresh & ~cpu->fpu.cw & SW_FLAGS & ~SW_PE);
}

void x87_native_commit(struct cpu *cpu, const struct insn *i, const struct x87_image *im)
{
    struct fpu *f = &cpu->fpu;
    unsigned before = f->sw;

    f->tags = fpu_abridge_tags(im->tw);
    fpu_set_sw(cpu, im->sw);
    for (unsigned n = 0; n < 8; n++)
        memcpy(f->st[(f->top + n) & 7], im->st[n], 10);
    if (f->sw & ~before & SW_ES)
        f->fop = x87_fop(i);
}

void x87_native(struct cpu *cpu, const struct insn *i, unsigned opcode, unsigned modrm, void *mem)
{
    struct x87_image im;

    x87_native_run(cpu, &im, opcode, modrm, mem, 0);
    x87_native_commit(cpu, i, &im);
}

uint16_t x87_fop(const struct insn *i)
{
    const struct opcode *row = &opcode_table[i->op];
    unsigned modrm;

    if (row->ext & EXT_BYTE)
        modrm = row->ext & 0xff;
    else if (i->flags & INSN_MEM)
        modrm = i->rm;
    else
        modrm = 0xc0 | (row->ext & 7) << 3 | (i->rm & 7);
    return (uint16_t)((row->opcode & 7) << 8 | modrm);
}
