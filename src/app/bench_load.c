/*
 * The load `gen`: a factory line of 1,000 tags at 1 Hz, made from a seed, the same on every machine
 * (for 10,000 s and seed 42 its points have SHA-256 467d6089...9870, checked by
 * tests/app/test_bench_load.c). Signals by tag number modulo ten: 0..2 temperatures with 0.1
 * resolution on a slow random walk; 3, 4 cyclic pressures with 0.01 resolution; 5 a counter that
 * steps once per machine cycle; 6 an on/off state; 7, 8 vibration as 32-bit floats; 9 a setpoint
 * that changes about twice an hour. All tags at t come before all tags at t + 1 s.
 *
 * Random numbers are xoshiro256** seeded through splitmix64 (Blackman and Vigna 2018), the same as
 * core/random.h, but kept here: a change there must not change what is measured.
 */
#include "app/bench_load.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "core/buf.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/csv.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

enum {
    GEN_TAGS = 1000,
    GEN_SEED = 42,
    LOAD_BUFFER_BYTES = 1 << 20,
    READ_POINTS = 8192,
    CSV_CHUNK_BYTES = 256 << 10,
};
#define GEN_START_MS 1735689600000LL // 2025-01-01T00:00:00Z

/* ---- Writing points ---- */

struct load_writer {
    int fd;
    const char *path;
    uint64_t offset;
    struct buf bytes;
    struct load load;
};

static int writer_flush(struct load_writer *writer, struct err *err) {
    int rc = file_write_at(files_system(), writer->fd, writer->path, writer->offset,
        writer->bytes.data, writer->bytes.size, err);
    writer->offset += writer->bytes.size;
    buf_clear(&writer->bytes);
    return rc;
}

static int writer_put(
    struct load_writer *writer, uint32_t tag, int64_t time_ns, double value, struct err *err) {
    struct load *load = &writer->load;
    write_u32_le(&writer->bytes, tag);
    write_u64_le(&writer->bytes, (uint64_t)time_ns);
    write_f64_le(&writer->bytes, value);
    load->min_ns = load->points == 0 || time_ns < load->min_ns ? time_ns : load->min_ns;
    load->max_ns = load->points == 0 || time_ns > load->max_ns ? time_ns : load->max_ns;
    load->tag_max = tag + 1 > load->tag_max ? tag + 1 : load->tag_max;
    load->points++;
    return writer->bytes.size + LOAD_POINT_BYTES > LOAD_BUFFER_BYTES ? writer_flush(writer, err)
                                                                     : 0;
}

/* ---- gen ---- */

struct gen_random {
    uint64_t s[4];
};

static uint64_t gen_rotate(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

static uint64_t gen_next(struct gen_random *random) {
    uint64_t *s = random->s;
    uint64_t result = gen_rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = gen_rotate(s[3], 45);
    return result;
}

static void gen_seed(struct gen_random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15ULL;
        uint64_t mixed = seed;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
        random->s[i] = mixed ^ (mixed >> 31);
    }
}

static double gen_unit(struct gen_random *random) {
    return (double)(gen_next(random) >> 11) * 0x1.0p-53;
}

static double gen_gauss(struct gen_random *random) {
    double radius = sqrt(-2 * log(gen_unit(random) + 1e-300));
    return radius * cos(6.283185307179586 * gen_unit(random));
}

struct gen_tag {
    double x;
    double setpoint;
    double amplitude;
    double period;
    double phase;
    int64_t count;
    int64_t next;
};

static void gen_tag_init(struct gen_tag *tag, uint32_t index, struct gen_random *random) {
    tag->setpoint = 20 + floor(gen_unit(random) * 230);
    tag->x = tag->setpoint + gen_gauss(random) * 3;
    tag->amplitude = 20 + gen_unit(random) * 100;
    tag->period = 7 + floor(gen_unit(random) * 33);
    tag->phase = floor(gen_unit(random) * 40);
    tag->count = (int64_t)(gen_unit(random) * 1e6);
    tag->next = (int64_t)(gen_unit(random) * 600);
    if (index % 10 == 6) {
        tag->x = gen_unit(random) < .5;
    }
    if (index % 10 == 7 || index % 10 == 8) {
        tag->x = 0.5 + gen_unit(random) * 4;
    }
}

static double gen_wave(const struct gen_tag *tag, int64_t second) {
    double part = fmod((double)second + tag->phase, tag->period) / tag->period;
    return part < .15  ? part / .15
           : part < .5 ? 1 - .3 * (part - .15)
           : part < .6 ? (.6 - part) * 8.95
                       : 0;
}

static double gen_value(
    struct gen_tag *tag, uint32_t index, int64_t second, struct gen_random *random) {
    switch (index % 10) {
    case 0:
    case 1:
    case 2:
        tag->x += (tag->setpoint - tag->x) * 0.01 + gen_gauss(random) * 0.08;
        return round(tag->x * 10) / 10;
    case 3:
    case 4: {
        double wave = gen_wave(tag, second);
        return round((1 + tag->amplitude * wave + gen_gauss(random) * .02) * 100) / 100;
    }
    case 5:
        tag->count += (second + (int64_t)tag->phase) % (int64_t)tag->period == 0;
        return (double)tag->count;
    case 6:
        if (second >= tag->next) {
            tag->x = !(tag->x > .5);
            double dwell = -log(gen_unit(random) + 1e-12) * (30 + tag->amplitude * 5);
            tag->next = second + 1 + (int64_t)dwell;
        }
        return tag->x;
    case 7:
    case 8:
        tag->setpoint = tag->x + gen_gauss(random) * tag->x * .08;
        return (double)(float)fabs(tag->setpoint);
    default:
        if (second >= tag->next) {
            tag->setpoint = floor(gen_unit(random) * 500) / 2;
            tag->next = second + 600 + (int64_t)(gen_unit(random) * 2400);
        }
        return tag->setpoint;
    }
}

static int gen_write(struct load_writer *writer, uint32_t seconds, struct err *err) {
    struct gen_random random;
    gen_seed(&random, GEN_SEED);
    AUTO_FREE struct gen_tag *tags = MEM_ARRAY(struct gen_tag, GEN_TAGS);
    for (uint32_t i = 0; i < GEN_TAGS; i++) {
        gen_tag_init(&tags[i], i, &random);
    }
    for (int64_t second = 0; second < seconds; second++) {
        int64_t time_ns = (GEN_START_MS + second * 1000) * NS_PER_MS;
        for (uint32_t i = 0; i < GEN_TAGS; i++) {
            int rc = writer_put(writer, i, time_ns, gen_value(&tags[i], i, second, &random), err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return 0;
}

/* ---- CSV ---- */

static int csv_point(
    struct load_writer *writer, const struct str *fields, size_t count, struct err *err) {
    uint64_t tag = 0;
    int64_t time_ms = 0;
    double value = 0;
    bool good = count == 3 && str_to_u64(fields[0], &tag) && tag < LIMIT_TAGS &&
                str_to_i64(fields[1], &time_ms) && str_to_f64(fields[2], &value) &&
                time_ms < INT64_MAX / NS_PER_MS && time_ms > INT64_MIN / NS_PER_MS;
    if (!good) {
        struct str shown = count > 0 ? fields[count - 1] : STR_NONE;
        return err_set(err, ERR_INVALID, MSG_NUMBER_EXPECTED, ARGS(A_STR(shown)));
    }
    return writer_put(writer, (uint32_t)tag, time_ms * NS_PER_MS, value, err);
}

static int csv_rows(struct csv *csv, struct load_writer *writer, struct err *err) {
    const struct str *fields = NULL;
    size_t count = 0;
    int rc = 0;
    while ((rc = csv_next(csv, &fields, &count, err)) > 0) {
        rc = csv_point(writer, fields, count, err);
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

static int csv_write(struct load_writer *writer, const char *data, struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int rc = file_open(files_system(), data, FILE_READ, &fd, err);
    rc = rc < 0 ? rc : file_size(fd, data, &size, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_FREE uint8_t *chunk = mem_alloc(CSV_CHUNK_BYTES);
    struct csv *csv = csv_new(',');
    for (uint64_t offset = 0; rc == 0 && offset < size;) {
        uint64_t left = size - offset;
        size_t part = left < CSV_CHUNK_BYTES ? (size_t)left : CSV_CHUNK_BYTES;
        rc = file_read_at(fd, data, offset, chunk, part, err);
        if (rc == 0) {
            csv_feed(csv, chunk, part, offset + part == size);
            rc = csv_rows(csv, writer, err);
        }
        offset += part;
    }
    csv_free(csv);
    return rc;
}

/* ---- The whole ---- */

int load_make(
    const char *data, uint32_t seconds, const char *path, struct load *ret_load, struct err *err) {
    struct load_writer writer = {.fd = -1, .path = path};
    int rc = file_open(files_system(), path, FILE_CREATE_NEW, &writer.fd, err);
    if (rc < 0) {
        return rc;
    }
    buf_init(&writer.bytes, LOAD_BUFFER_BYTES);
    rc = str_eq(str_of(data), STR("gen")) ? gen_write(&writer, seconds, err)
                                          : csv_write(&writer, data, err);
    rc = rc < 0 ? rc : writer_flush(&writer, err);
    buf_fini(&writer.bytes);
    if (rc < 0) {
        file_close(writer.fd);
        return rc;
    }
    writer.load.fd = writer.fd;
    *ret_load = writer.load;
    return 0;
}

void load_close(struct load *load) {
    file_close(load->fd);
}

int load_read(
    const struct load *load, uint64_t from, uint32_t count, struct batch *batch, struct err *err) {
    uint8_t bytes[READ_POINTS * LOAD_POINT_BYTES];
    for (uint32_t done = 0; done < count;) {
        uint32_t part = count - done < READ_POINTS ? count - done : READ_POINTS;
        int rc = file_read_at(load->fd, "load", (from + done) * LOAD_POINT_BYTES, bytes,
            part * LOAD_POINT_BYTES, err);
        if (rc < 0) {
            return rc;
        }
        for (uint32_t i = 0; i < part; i++) {
            const uint8_t *point = bytes + (size_t)i * LOAD_POINT_BYTES;
            uint32_t tag;
            uint64_t time;
            uint64_t value;
            memcpy(&tag, point, sizeof tag);
            memcpy(&time, point + 4, sizeof time);
            memcpy(&value, point + 12, sizeof value);
            struct sample *row = &batch->rows[batch->count++];
            *row = (struct sample){.time_ns = (int64_t)le64toh(time),
                .value = {.i64 = (int64_t)le64toh(value)},
                .tag = le32toh(tag) + 1,
                .type = TYPE_F64};
        }
        done += part;
    }
    return 0;
}
