/* What a printer, or something else behind its address, answers to ~HS. */
#include <stdint.h>

#include "papers/label.h"
#include "papers/printing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct zpl_status status;
    (void)zpl_status_parse(text, &status);
    char host[PRINTER_HOST_MAX];
    char port[PRINTER_PORT_MAX];
    (void)printer_address(text, host, port);
    return 0;
}
