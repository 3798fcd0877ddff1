/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and bits of the architecture: registers, flags, control registers, vectors, MSRs, segment
 * attributes. Intel SDM volume 3, chapters 2-6; volume 4 for the MSRs.
 */
#ifndef CPU_X86_H
#define CPU_X86_H

enum gpr {
    REG_RAX,
    REG_RCX,
    REG_RDX,
    REG_RBX,
    REG_RSP,
    REG_RBP,
    REG_RSI,
    REG_RDI,
    REG_R8,
    REG_R9,
    REG_R10,
    REG_R11,
    REG_R12,
    REG_R13,
    REG_R14,
    REG_R15,
    REG_ZERO, /* always 0: the base or index of an address that has none */
    REG_RIP,  /* RIP (EIP, IP) of the block being executed; exact between blocks */
    REG_4G,   /* always 1 << 32: for RIP-relative displacements that outgrow 32 bits (blocks.c) */
    REG_COUNT
};

enum x86_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDT, SEG_TR, SEG_COUNT };

/* RFLAGS. */
enum {
    FL_CF = 1 << 0,
    FL_1 = 1 << 1,
    FL_PF = 1 << 2,
    FL_AF = 1 << 4,
    FL_ZF = 1 << 6,
    FL_SF = 1 << 7,
    FL_TF = 1 << 8,
    FL_IF = 1 << 9,
    FL_DF = 1 << 10,
    FL_OF = 1 << 11,
    FL_IOPL = 3 << 12,
    FL_NT = 1 << 14,
    FL_RF = 1 << 16,
    FL_VM = 1 << 17,
    FL_AC = 1 << 18,
    FL_VIF = 1 << 19,
    FL_VIP = 1 << 20,
    FL_ID = 1 << 21,
    FL_ARITH = FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF,
};
#define FL_IOPL_SHIFT 12

/* Exception vectors. */
enum {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
    EXC_MC = 18,
    EXC_XM = 19,
};

/* Page-fault error code. */
enum {
    PF_P = 1 << 0,
    PF_W = 1 << 1,
    PF_U = 1 << 2,
    PF_RSVD = 1 << 3,
    PF_I = 1 << 4,
    PF_PK = 1 << 5
};

/* CR0, CR4. */
#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

#define CR4_VME        0x00000001u
#define CR4_PVI        0x00000002u
#define CR4_TSD        0x00000004u
#define CR4_DE         0x00000008u
#define CR4_PSE        0x00000010u
#define CR4_PAE        0x00000020u
#define CR4_MCE        0x00000040u
#define CR4_PGE        0x00000080u
#define CR4_PCE        0x00000100u
#define CR4_OSFXSR     0x00000200u
#define CR4_OSXMMEXCPT 0x00000400u
#define CR4_UMIP       0x00000800u
#define CR4_LA57       0x00001000u
#define CR4_FSGSBASE   0x00010000u
#define CR4_PCIDE      0x00020000u
#define CR4_OSXSAVE    0x00040000u
#define CR4_SMEP       0x00100000u
#define CR4_SMAP       0x00200000u
#define CR4_PKE        0x00400000u

/* XCR0 and the bit maps of XSAVE (SDM volume 1, 13.1). */
#define XCR0_X87  0x001u
#define XCR0_SSE  0x002u
#define XCR0_AVX  0x004u
#define XCR0_PKRU 0x200u

#define EFER_SCE 0x001u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u

/* DR6, DR7. */
#define DR6_FIXED 0xffff0ff0u
#define DR6_BD    0x2000u
#define DR6_BS    0x4000u
#define DR6_BT    0x8000u
#define DR7_FIXED 0x400u
#define DR7_GD    0x2000u

/* Hidden segment attributes as the second descriptor word holds them, moved down by 8: type in bits
 * 3..0, S in 4, DPL in 6..5, P in 7, AVL in 12, L in 13, D/B in 14, G in 15. */
#define SEG_ATTR      0xf0ffu
#define SEG_TYPE      0x000fu
#define SEG_S         0x0010u
#define SEG_DPL       0x0060u
#define SEG_P         0x0080u
#define SEG_AVL       0x1000u
#define SEG_L         0x2000u
#define SEG_DB        0x4000u
#define SEG_G         0x8000u
#define SEG_DPL_SHIFT 5
/* Types of code and data segments (S set). */
#define SEG_T_ACCESSED 0x1u
#define SEG_T_WRITE    0x2u /* data: writable */
#define SEG_T_READ     0x2u /* code: readable */
#define SEG_T_DOWN     0x4u /* data: expand-down */
#define SEG_T_CONFORM  0x4u /* code: conforming */
#define SEG_T_CODE     0x8u
/* Types of system segments and gates (S clear). */
enum {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_CALL16 = 4,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_CALL32 = 12,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15,
};

/* Model-specific registers. */
enum {
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1b,
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_TSC_ADJUST = 0x3b,
    MSR_SPEC_CTRL = 0x48,
    MSR_PRED_CMD = 0x49,
    MSR_BIOS_SIGN_ID = 0x8b,
    MSR_MTRRCAP = 0xfe,
    MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MCG_CTL = 0x17b,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_POWER_CTL = 0x1fc,
    MSR_MTRR_PHYSBASE0 = 0x200,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_80000 = 0x258,
    MSR_MTRR_FIX16K_A0000 = 0x259,
    MSR_MTRR_FIX4K_C0000 = 0x268,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_MC0_CTL = 0x400,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_XSS = 0xda0,
};
#define MISC_ENABLE_FAST_STRINGS 0x00000001u
#define MISC_ENABLE_MONITOR      0x00040000u

#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u

/* MXCSR. */
#define MXCSR_IE      0x0001u
#define MXCSR_DE      0x0002u
#define MXCSR_ZE      0x0004u
#define MXCSR_OE      0x0008u
#define MXCSR_UE      0x0010u
#define MXCSR_PE      0x0020u
#define MXCSR_FLAGS   0x003fu
#define MXCSR_DAZ     0x0040u
#define MXCSR_OM      0x0400u
#define MXCSR_UM      0x0800u
#define MXCSR_MASKS   0x1f80u
#define MXCSR_RC      0x6000u
#define MXCSR_FZ      0x8000u
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_VALID   0xffffu

#endif
