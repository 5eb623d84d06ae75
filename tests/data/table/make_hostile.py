#!/usr/bin/env python3
"""Makes the hostile workbooks of this folder anew. zip-bomb.xlsx unpacks to 80 MiB."""
import os
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def workbook(name, sheet, head="", shared=None):
    path = os.path.join(HERE, name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        def put(part, text):
            zipped.writestr(zipfile.ZipInfo(part, (2026, 1, 1, 0, 0, 0)), text,
                            zipfile.ZIP_DEFLATED, 9)
        put("xl/workbook.xml", f'{HEAD}{head}<workbook {MAIN} xmlns:r="{RELATION}"><sheets>'
            '<sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>')
        relations = f'<Relationship Id="rId1" Type="{RELATION}/worksheet" Target="/xl/sheet.xml"/>'
        if shared:
            relations += (f'<Relationship Id="rId2" Type="{RELATION}/sharedStrings" '
                          'Target="shared.xml"/>')
            put("xl/shared.xml", shared)
        put("xl/_rels/workbook.xml.rels", f"{HEAD}<Relationships>{relations}</Relationships>")
        put("xl/sheet.xml", sheet)


def main():
    entity = "".join(f'<!ENTITY e{i + 1} "' + f"&e{i};" * 10 + '">' for i in range(9))
    workbook("entity-bomb.xlsx", "<worksheet/>",
             head=f'<!DOCTYPE x [<!ENTITY e0 "lol">{entity}]>')
    workbook("deep.xlsx", f"<worksheet {MAIN}><sheetData>" + "<x>" * 100 + "</x>" * 100
             + "</sheetData></worksheet>")
    workbook("zip-bomb.xlsx", f"<worksheet {MAIN}><sheetData>" + "<row></row>" * (80 << 20 >> 3))
    workbook("rows.xlsx", f'<worksheet {MAIN}><sheetData><row><c t="s"><v>0</v></c></row>'
             '<row r="2"><c t="s"><v>9</v></c></row><row r="3"><c r="XFD3"><v>1</v></c></row>'
             '<row><c t="inlineStr"><is><t>b</t><rPh><t>no</t></rPh></is></c></row>'
             "</sheetData></worksheet>",
             shared=f"{HEAD}<sst {MAIN}><si><r><t>a</t></r><rPh><t>no</t></rPh></si></sst>")
    with zipfile.ZipFile(os.path.join(HERE, "no-workbook.xlsx"), "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("a.csv", (2026, 1, 1, 0, 0, 0)), "a,b\n")


if __name__ == "__main__":
    main()
