#ifndef TESTS_DEVICE_SUPPORT_CAPTURE_H
#define TESTS_DEVICE_SUPPORT_CAPTURE_H
/*
 * Plays the captures of a driver (format in docs/ADD_A_DRIVER.md) through the whole poller and
 * fails the test, with file and line, where something else is sent or comes out than the capture
 * says. Besides what the document lists, `error WORDS` looks for words in the device's last error.
 */
#include "support_device.h"

void capture_play(const char *driver, const char *path);
/* Every tests/captures/<driver>_*.cap, of which there must be that many at least. */
void capture_play_all(const char *driver, uint32_t at_least);

#endif
