/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a CD drive takes and refuses (machine/media.h), by images made of single descriptors. */
#include "tests/unit/unit.h"

#include "backends/block.h"
#include "base/bits.h"
#include "machine/media.h"

#define SECTOR 2048u

static void descriptor(struct block *b, unsigned sector, unsigned type, const char *id,
                       uint32_t space)
{
    uint8_t d[SECTOR] = {(uint8_t)type};

    memcpy(d + 1, id, 5);
    st_le32(d + 80, space);
    st_le16(d + 128, SECTOR);
    assert_int_equal(block_write(b, (uint64_t)sector * SECTOR, d, SECTOR), 0);
}

static void refused(struct block *b, const char *why)
{
    GError *err = NULL;

    assert_false(media_check_cd(b, &err));
    assert_non_null(strstr(err->message, why));
    g_clear_error(&err);
}

static void test_iso(void **state)
{
    struct block *b = block_new_memory(1000 * SECTOR);

    (void)state;
    refused(b, "not a CD image");
    descriptor(b, 16, 0, "CD001", 0); /* a boot record may come first */
    refused(b, "not a CD image");
    descriptor(b, 17, 1, "CD001", 1000);
    assert_true(media_check_cd(b, NULL));
    descriptor(b, 17, 1, "CD001", 1302); /* what readers leave out */
    assert_true(media_check_cd(b, NULL));
    descriptor(b, 17, 1, "CD001", 1303);
    refused(b, "truncated");
    descriptor(b, 17, 1, "CD001", UINT32_MAX);
    refused(b, "truncated");
    block_free(b);
}

static void test_udf(void **state)
{
    struct block *b = block_new_memory(1000 * SECTOR);

    (void)state;
    descriptor(b, 16, 0, "BEA01", 0);
    refused(b, "not a CD image");
    descriptor(b, 17, 0, "NSR02", 0);
    assert_true(media_check_cd(b, NULL));
    descriptor(b, 17, 0, "NSR03", 0);
    assert_true(media_check_cd(b, NULL));
    block_free(b);
}

static void test_short(void **state)
{
    struct block *b = block_new_memory(16 * SECTOR + 512);

    (void)state;
    refused(b, "not a CD image");
    block_free(b);
    b = block_new_memory(200 * SECTOR);
    for (unsigned k = 16; k < 200; k++)
        descriptor(b, k, 2, "CD001", 0); /* a sequence without end */
    refused(b, "not a CD image");
    block_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso),
        cmocka_unit_test(test_udf),
        cmocka_unit_test(test_short),
    };
    return unit_main(tests);
}
