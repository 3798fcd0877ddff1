/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer operations that MMX, SSE2 and AVX2 have in common, for who makes handlers of them:
 * X(name, intrinsic on 128 bits, intrinsic on 256). SDM volume 1, 9.4, 11.4.3 and 14.7.
 */
#ifndef CPU_SIMD_INT_OPS_H
#define CPU_SIMD_INT_OPS_H

/* dest := op(first, second), the same on the lower half alone. */
#define SIMD_INT_OPS(X)                                                                            \
    X(paddb, _mm_add_epi8, _mm256_add_epi8)                                                        \
    X(paddw, _mm_add_epi16, _mm256_add_epi16)                                                      \
    X(paddd, _mm_add_epi32, _mm256_add_epi32)                                                      \
    X(paddq, _mm_add_epi64, _mm256_add_epi64)                                                      \
    X(paddsb, _mm_adds_epi8, _mm256_adds_epi8)                                                     \
    X(paddsw, _mm_adds_epi16, _mm256_adds_epi16)                                                   \
    X(paddusb, _mm_adds_epu8, _mm256_adds_epu8)                                                    \
    X(paddusw, _mm_adds_epu16, _mm256_adds_epu16)                                                  \
    X(psubb, _mm_sub_epi8, _mm256_sub_epi8)                                                        \
    X(psubw, _mm_sub_epi16, _mm256_sub_epi16)                                                      \
    X(psubd, _mm_sub_epi32, _mm256_sub_epi32)                                                      \
    X(psubq, _mm_sub_epi64, _mm256_sub_epi64)                                                      \
    X(psubsb, _mm_subs_epi8, _mm256_subs_epi8)                                                     \
    X(psubsw, _mm_subs_epi16, _mm256_subs_epi16)                                                   \
    X(psubusb, _mm_subs_epu8, _mm256_subs_epu8)                                                    \
    X(psubusw, _mm_subs_epu16, _mm256_subs_epu16)                                                  \
    X(pmullw, _mm_mullo_epi16, _mm256_mullo_epi16)                                                 \
    X(pmulhw, _mm_mulhi_epi16, _mm256_mulhi_epi16)                                                 \
    X(pmulhuw, _mm_mulhi_epu16, _mm256_mulhi_epu16)                                                \
    X(pmuludq, _mm_mul_epu32, _mm256_mul_epu32)                                                    \
    X(pmaddwd, _mm_madd_epi16, _mm256_madd_epi16)                                                  \
    X(psadbw, _mm_sad_epu8, _mm256_sad_epu8)                                                       \
    X(pavgb, _mm_avg_epu8, _mm256_avg_epu8)                                                        \
    X(pavgw, _mm_avg_epu16, _mm256_avg_epu16)                                                      \
    X(pmaxub, _mm_max_epu8, _mm256_max_epu8)                                                       \
    X(pmaxsw, _mm_max_epi16, _mm256_max_epi16)                                                     \
    X(pminub, _mm_min_epu8, _mm256_min_epu8)                                                       \
    X(pminsw, _mm_min_epi16, _mm256_min_epi16)                                                     \
    X(pcmpeqb, _mm_cmpeq_epi8, _mm256_cmpeq_epi8)                                                  \
    X(pcmpeqw, _mm_cmpeq_epi16, _mm256_cmpeq_epi16)                                                \
    X(pcmpeqd, _mm_cmpeq_epi32, _mm256_cmpeq_epi32)                                                \
    X(pcmpgtb, _mm_cmpgt_epi8, _mm256_cmpgt_epi8)                                                  \
    X(pcmpgtw, _mm_cmpgt_epi16, _mm256_cmpgt_epi16)                                                \
    X(pcmpgtd, _mm_cmpgt_epi32, _mm256_cmpgt_epi32)                                                \
    X(pand, _mm_and_si128, _mm256_and_si256)                                                       \
    X(pandn, _mm_andnot_si128, _mm256_andnot_si256)                                                \
    X(por, _mm_or_si128, _mm256_or_si256)                                                          \
    X(pxor, _mm_xor_si128, _mm256_xor_si256)

/* Shifts of every element by the source's low 64 bits, or by an immediate. */
#define SIMD_SHIFT_OPS(X)                                                                          \
    X(psllw, _mm_sll_epi16, _mm256_sll_epi16)                                                      \
    X(pslld, _mm_sll_epi32, _mm256_sll_epi32)                                                      \
    X(psllq, _mm_sll_epi64, _mm256_sll_epi64)                                                      \
    X(psrlw, _mm_srl_epi16, _mm256_srl_epi16)                                                      \
    X(psrld, _mm_srl_epi32, _mm256_srl_epi32)                                                      \
    X(psrlq, _mm_srl_epi64, _mm256_srl_epi64)                                                      \
    X(psraw, _mm_sra_epi16, _mm256_sra_epi16)                                                      \
    X(psrad, _mm_sra_epi32, _mm256_sra_epi32)

#endif
