/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU features: what a row of opcodes.def requires and what CPUID shows. One bit each in
 * cpu.features; a model is a set of them plus its identity (cpuid.c).
 */
#ifndef CPU_FEATURES_H
#define CPU_FEATURES_H

#include <stdint.h>

#define FEATURES(X)                                                                                \
    X(BASE) /* 386 */                                                                              \
    X(I486) /* BSWAP, CMPXCHG, XADD, INVLPG, INVD, WBINVD, CPUID */                                \
    X(FPU)                                                                                         \
    X(VME)                                                                                         \
    X(DE)                                                                                          \
    X(PSE)                                                                                         \
    X(TSC)                                                                                         \
    X(MSR)                                                                                         \
    X(PAE)                                                                                         \
    X(MCE)                                                                                         \
    X(CX8)                                                                                         \
    X(APIC)                                                                                        \
    X(SEP)                                                                                         \
    X(MTRR)                                                                                        \
    X(PGE)                                                                                         \
    X(MCA)                                                                                         \
    X(CMOV)                                                                                        \
    X(PAT)                                                                                         \
    X(PSE36)                                                                                       \
    X(CLFLUSH)                                                                                     \
    X(MMX)                                                                                         \
    X(FXSR)                                                                                        \
    X(SSE)                                                                                         \
    X(SSE2)                                                                                        \
    X(SYSCALL)                                                                                     \
    X(NX)                                                                                          \
    X(LM)                                                                                          \
    X(RDTSCP)                                                                                      \
    X(PDPE1GB)                                                                                     \
    X(PCID)                                                                                        \
    X(INVPCID)                                                                                     \
    X(SMEP)                                                                                        \
    X(SMAP)                                                                                        \
    X(UMIP)                                                                                        \
    X(CX16)                                                                                        \
    X(LAHF64)                                                                                      \
    X(FSGSBASE)                                                                                    \
    X(TSC_DEADLINE)                                                                                \
    X(MOVBE)                                                                                       \
    X(POPCNT)                                                                                      \
    X(PREFETCHW)                                                                                   \
    X(NOPL) /* long NOPs */                                                                        \
    X(RDRAND)                                                                                      \
    X(CLFLUSHOPT)                                                                                  \
    X(SPEC_CTRL)                                                                                   \
    X(ARCH_CAP)                                                                                    \
    X(PKU)                                                                                         \
    X(LA57)                                                                                        \
    X(SSE3)                                                                                        \
    X(MONITOR) /* and MWAIT */                                                                     \
    X(SSSE3)                                                                                       \
    X(SSE4_1)                                                                                      \
    X(SSE4_2)                                                                                      \
    X(AES)                                                                                         \
    X(PCLMUL)                                                                                      \
    X(SHA)                                                                                         \
    X(XSAVE)                                                                                       \
    X(XSAVEOPT)                                                                                    \
    X(XSAVEC)                                                                                      \
    X(XGETBV1)                                                                                     \
    X(XSAVES)                                                                                      \
    X(AVX)                                                                                         \
    X(AVX2)                                                                                        \
    X(FMA)                                                                                         \
    X(F16C)                                                                                        \
    X(VAES)                                                                                        \
    X(VPCLMUL)                                                                                     \
    X(BMI1)                                                                                        \
    X(BMI2)                                                                                        \
    X(LZCNT)                                                                                       \
    X(ADX)                                                                                         \
    X(RDSEED)                                                                                      \
    X(RDPID)                                                                                       \
    X(CLWB)                                                                                        \
    X(ERMS)                                                                                        \
    X(FSRM)                                                                                        \
    X(X2APIC)

enum feature {
#define X(name) FEATURE_##name,
    FEATURES(X)
#undef X
        FEATURE_COUNT
};
_Static_assert(FEATURE_COUNT <= 128, "features fit one word");

/* A set of them: bit FEATURE_X. There are more than 64, hence the name for a word of twice that. */
__extension__ typedef unsigned __int128 feature_set;

#define FEAT(name) ((feature_set)1 << FEATURE_##name)

#endif
