/*
 * The route table and how a path finds its row.
 *
 * 25 rows are walked in order for each request: about 1 us, against some 100 us for the request
 * itself; a tree would only be harder to read. A segment in braces takes any one non-empty segment.
 * The parameters each route knows stand here in one list, so what is refused, what is described
 * and what is used cannot differ.
 *
 * Rights are sets of roles rather than a ladder: an auditor may read the audit chain but not write
 * samples, an installer may change devices but not read the chain. Everything that is not allowed
 * here is denied.
 */
#include "serve/route.h"

#include <string.h>

#include "serve/call.h"

#define HELP(en, ko)                                                                               \
    { ko, en }
#define END                                                                                        \
    { .name = NULL }

static const struct param_spec P_NONE[] = {END};

static const struct param_spec P_TAGS[] = {
    {"fresh", PARAM_DURATION,
        .help =
            HELP("Only tags whose value came within this time", "이 시간 안에 값이 들어온 태그만")},
    {"device", PARAM_TEXT, .help = HELP("Only tags of this device", "이 장치의 태그만")},
    {"prefix", PARAM_TEXT,
        .help = HELP("Only names that begin so", "이름이 이렇게 시작하는 태그만")},
    {"q", PARAM_TEXT,
        .help = HELP("Text in the name or display name", "이름 또는 표시 이름에 포함된 글자")},
    {"kind", PARAM_CHOICE, .choices = "measurement|counter|state|setpoint",
        .help = HELP("Only this kind", "이 종류만")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"cursor", PARAM_TEXT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_AUDIT[] = {
    {"before", PARAM_COUNT, .help = HELP("Entries below this number", "이 번호보다 앞의 기록")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_FLOW_HISTORY[] = {
    {"minutes", PARAM_COUNT, .help = HELP("So many minutes, 1440 at most", "분 수(최대 1440)")},
    END};

static const struct param_spec P_FLOW_TAGS[] = {
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_RECEIPTS[] = {
    {"consent", PARAM_TEXT, .help = HELP("Only under this consent", "이 동의의 기록만")},
    {"before", PARAM_COUNT, .help = HELP("Receipts below this number", "이 번호보다 앞의 기록")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

#define RANGE_PARAMS                                                                               \
    {"tag", PARAM_TEXT, .repeated = true, .required = true,                                        \
        .help =                                                                                    \
            HELP("Name of a tag; may be given several times", "태그 이름(여러 번 지정 가능)")},    \
        {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")}, {                \
        "to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")                         \
    }

static const struct param_spec P_SAMPLES[] = {RANGE_PARAMS,
    {"limit", PARAM_COUNT, .help = HELP("At most so many rows", "최대 행 수")},
    {"cursor", PARAM_TEXT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")},
    {"versions", PARAM_FLAG,
        .help = HELP("1: all versions of a sample, oldest first", "1: 모든 판(오래된 것부터)")},
    {"format", PARAM_CHOICE, .choices = "json|csv", .help = HELP("json or csv", "json 또는 csv")},
    {"every", PARAM_DURATION, .help = HELP("Width of the buckets", "집계 구간의 길이")},
    {"agg", PARAM_TEXT,
        .help = HELP("Of avg,min,max,count,sum,first,last,bad,stddev,time_avg,covered_s,increase,"
                     "resets and percentiles such as p95",
            "avg,min,max,count,sum,first,last,bad,stddev,time_avg,covered_s,increase,resets와 "
            "p95 같은 백분위수 중")},
    {"interpolate", PARAM_CHOICE, .choices = "step|linear",
        .help = HELP("Between two values, for time_avg: the first stands, or a straight line",
            "time_avg에서 두 값 사이: 앞의 값 유지(step) 또는 직선(linear)")},
    {"fill", PARAM_CHOICE, .choices = "none|null|previous|linear",
        .help =
            HELP("Empty buckets: absent, without values, as the one before, or straight between",
                "값 없는 구간: 생략, 값 없음, 앞 구간의 값, 앞뒤 구간의 직선 보간")},
    {"tz", PARAM_TEXT,
        .help = HELP("Zone of bucket boundaries and times; without it the plant's and UTC",
            "구간 경계와 시각의 시간대. 없으면 공장 시간대와 UTC")},
    END};

static const struct param_spec P_MOMENTS[] = {
    {"tag", PARAM_TEXT, .repeated = true, .required = true,
        .help = HELP("Name of a tag; may be given several times", "태그 이름(여러 번 지정 가능)")},
    {"time", PARAM_TIME, .repeated = true, .required = true,
        .help = HELP("A moment; may be given several times", "시각(여러 번 지정 가능)")},
    {"interpolate", PARAM_CHOICE, .choices = "step|linear",
        .help = HELP("Between two values: the first stands, or a straight line",
            "두 값 사이: 앞의 값 유지(step) 또는 직선(linear)")},
    {"tz", PARAM_TEXT,
        .help = HELP("Zone of the times in the answer; without it UTC",
            "답에 나오는 시각의 시간대. 없으면 UTC")},
    END};

static const struct param_spec P_SERIES[] = {RANGE_PARAMS,
    {"points", PARAM_COUNT, .help = HELP("At most so many points a tag", "태그당 최대 점 개수")},
    END};

static const struct param_spec P_JOIN[] = {RANGE_PARAMS,
    {"every", PARAM_DURATION, .help = HELP("Step of the grid", "결합 간격")},
    {"lead", PARAM_TEXT,
        .help =
            HELP("Rows at the times of this tag instead", "간격 대신 이 태그의 시각을 기준으로")},
    {"pick", PARAM_CHOICE, .choices = "before|nearest",
        .help = HELP("The last value before, or the nearest", "직전 값 또는 가장 가까운 값")},
    {"max_age", PARAM_DURATION,
        .help = HELP("Values further away give an empty cell", "이보다 먼 값은 빈칸으로")},
    {"lot", PARAM_TEXT, .help = HELP("The tag that holds the lot", "로트가 담긴 태그")},
    {"lot_key", PARAM_TEXT, .help = HELP("Only rows of this lot", "이 로트의 행만")},
    {"tz", PARAM_TEXT,
        .help = HELP("Zone of the grid and of the times; without it the plant's and UTC",
            "간격과 시각의 시간대. 없으면 공장 시간대와 UTC")},
    {"format", PARAM_CHOICE, .choices = "json|csv", .help = HELP("json or csv", "json 또는 csv")},
    END};

static const struct param_spec P_QUALITY[] = {
    {"day", PARAM_TEXT,
        .help = HELP("Local day, 2026-11-20; yesterday", "날짜(2026-11-20). 기본은 어제")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"cursor", PARAM_TEXT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_DISCLOSURES[] = {
    {"recipient", PARAM_TEXT, .help = HELP("Only to this recipient", "이 수신자만")},
    {"before", PARAM_COUNT, .help = HELP("Entries below this number", "이 번호보다 앞의 기록")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_STREAM[] = {
    {"since", PARAM_TEXT,
        .help = HELP("EPOCH-CHANGE of the last event, where a client cannot send "
                     "Last-Event-ID",
            "마지막 이벤트의 EPOCH-CHANGE(Last-Event-ID를 보낼 수 없을 때)")},
    END};

/* "|partners|places|...": what tables of master data are called. */
#define NOUN(id, name, keys, words) "|" name
#define FIELD(noun, name, kind, need, preset, words, more)
static const char IMPORT_KINDS[] = "samples|tags|devices|equipment|corrections"
#include "production/nouns.def"
    ;
static const char EXPORT_KINDS[] = "samples|wide|tags|devices|equipment|corrections"
#include "production/nouns.def"
    ;
#undef NOUN
#undef FIELD

#define TABLE_PARAMS                                                                               \
    {"encoding", PARAM_TEXT,                                                                       \
        .help = HELP("utf-8, utf-8-bom, cp949, utf-16le, utf-16be", "텍스트 인코딩")},             \
    {                                                                                              \
        "separator", PARAM_CHOICE, .choices = "comma|semicolon|tab",                               \
                                   .help = HELP("Between columns", "열 구분자")                    \
    }

static const struct param_spec P_PREVIEW[] = {TABLE_PARAMS,
    {"as", PARAM_CHOICE, .choices = IMPORT_KINDS,
        .help = HELP("What the table holds; found out when absent", "표의 종류. 없으면 추정")},
    {"sheet", PARAM_TEXT,
        .help = HELP("Sheet of a workbook, name or number", "시트 이름 또는 번호")},
    {"faults", PARAM_COUNT,
        .help = HELP("Faults to tell, 50 unless said", "알릴 오류 수. 없으면 50개")},
    END};

static const struct param_spec P_IMPORT[] = {TABLE_PARAMS,
    {"as", PARAM_CHOICE, .choices = IMPORT_KINDS,
        .help = HELP("What the table holds; with the first part", "표의 종류(첫 부분에만)")},
    {"sheet", PARAM_TEXT,
        .help = HELP("Sheet of a workbook, name or number", "시트 이름 또는 번호")},
    {"dry_run", PARAM_FLAG, .help = HELP("Check only", "검사만 하고 저장하지 않음")},
    {"partial", PARAM_FLAG, .help = HELP("Take the good rows alone", "올바른 행만 저장")},
    {"more", PARAM_FLAG, .help = HELP("Other parts follow", "다음 부분이 더 있음")},
    {"job", PARAM_TEXT, .help = HELP("The job of a later part", "이어지는 부분의 작업 번호")},
    {"offset", PARAM_TEXT, .help = HELP("Where the part begins", "이 부분이 시작하는 바이트 위치")},
    END};

static const struct param_spec P_EXPORT[] = {TABLE_PARAMS,
    {"as", PARAM_CHOICE, .required = true, .choices = EXPORT_KINDS,
        .help = HELP("What to write", "내보낼 내용")},
    {"format", PARAM_CHOICE, .choices = "csv|xlsx|parquet",
        .help = HELP("csv, xlsx, or parquet (of samples)", "csv, xlsx, parquet(samples만)")},
    {"pack", PARAM_CHOICE, .choices = "none|gz|xz|zst",
        .help = HELP("Packing of a CSV", "CSV 압축")},
    {"tags", PARAM_TEXT,
        .help =
            HELP("Names separated by commas, * for any letters", "쉼표로 나눈 태그, * 사용 가능")},
    {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")},
    {"to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")},
    {"marks", PARAM_FLAG,
        .help = HELP("Tags, devices: with a column that tells a later import who was first",
            "태그, 장치: 그사이 바뀐 행을 가져올 때 알아보는 열을 더함")},
    {"template", PARAM_FLAG, .help = HELP("Master data: the header alone", "기준정보: 머리글만")},
    {"words", PARAM_FLAG,
        .help = HELP("Master data: columns headed as the pages call them",
            "기준정보: 머리글을 화면의 이름으로")},
    END};

static const struct param_spec P_MASTER[] = {
    {"q", PARAM_TEXT,
        .help = HELP("In any text, also by initial consonants", "검색어. 초성으로도 찾음")},
    {"active", PARAM_FLAG, .help = HELP("Only rows in use", "사용 중인 것만")},
    {"cursor", PARAM_TEXT, .help = HELP("Where the last answer ended", "이전 응답의 next")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_CORRECTIONS[] = {
    {"tag", PARAM_TEXT, .help = HELP("Only of this tag", "이 태그만")},
    {"before", PARAM_COUNT, .help = HELP("Entries below this number", "이 번호보다 앞의 기록")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_SUMMARY[] = {RANGE_PARAMS, END};

static const struct param_spec P_ANNOTATIONS[] = {
    {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")},
    {"to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")},
    {"tag", PARAM_TEXT,
        .help = HELP("Only of this tag and of the plant", "이 태그와 공장 전체의 메모만")},
    {"before", PARAM_COUNT, .help = HELP("Notes below this number", "이 번호보다 앞의 메모")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_LOTS[] = {
    {"q", PARAM_TEXT,
        .help = HELP("In code, item or the supplier's lot; initial consonants too",
            "로트 번호·품목·공급처 로트에서 검색(초성 가능)")},
    {"item", PARAM_TEXT, .help = HELP("Only of this item", "이 품목만")},
    {"state", PARAM_CHOICE, .choices = "planned|open|held|scrapped",
        .help = HELP("Only in this state", "이 상태만")},
    {"before", PARAM_COUNT, .help = HELP("Lots below this number", "이 번호보다 앞의 로트")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_LOT_TRACE[] = {
    {"way", PARAM_CHOICE, .choices = "back|forward|both",
        .help = HELP("Which way; both", "방향. 기본 both(양방향)")},
    END};

static const struct param_spec P_LOT_RECALL[] = {
    {"format", PARAM_CHOICE, .choices = "json|csv|xlsx",
        .help = HELP("json; csv and xlsx as a file", "기본 json. csv와 xlsx는 파일")},
    END};

static const struct param_spec P_CODE[] = {
    {"code", PARAM_TEXT, .required = true,
        .help = HELP("As the reader gave it", "리더가 읽은 그대로")},
    END};

static const struct param_spec P_LABELS[] = {
    {"kind", PARAM_CHOICE, .choices = "lot|order|item|place|machine|worker|mould",
        .help = HELP("Only for this", "이 종류만")},
    END};

static const struct param_spec P_LABEL[] = {
    {"format", PARAM_CHOICE, .choices = "svg|pdf|zpl", .help = HELP("svg", "형식. 기본 svg")},
    {"label", PARAM_TEXT, .help = HELP("Which label; the first of its kind", "라벨 양식")},
    {"quantity", PARAM_TEXT, .help = HELP("Instead of what is known", "표시할 수량")},
    {"copies", PARAM_COUNT, .help = HELP("At most 500; of pdf and zpl", "매수(pdf, zpl)")},
    {"sheet", PARAM_CHOICE, .choices = "a4|roll",
        .help = HELP("Of pdf: side by side on A4, or each on a page", "pdf 용지. 기본 a4")},
    {"skip", PARAM_COUNT,
        .help = HELP("Used-up places of the first sheet", "첫 장에서 건너뛸 칸 수")},
    {"dpi", PARAM_COUNT, .help = HELP("Of zpl; 203", "zpl 해상도. 기본 203")}, END};

static const struct param_spec P_PRINT_JOBS[] = {
    {"state", PARAM_CHOICE, .choices = "waiting|sending|printed|sent|doubtful|failed|cancelled",
        .help = HELP("Only in this state", "이 상태만")},
    {"before", PARAM_COUNT, .help = HELP("Jobs below this number", "이 번호보다 앞의 인쇄")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_DELIVERIES[] = {
    {"partner", PARAM_TEXT, .help = HELP("Only of this partner", "이 거래처만")},
    {"kind", PARAM_CHOICE, .choices = "customer|supply",
        .help = HELP("To customers, or material to outsourcers", "고객 납품 또는 사급")},
    {"before", PARAM_COUNT, .help = HELP("Notes below this number", "이 번호보다 앞의 납품서")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_OUTSOURCINGS[] = {
    {"partner", PARAM_TEXT, .help = HELP("Only of this partner", "이 거래처만")},
    {"state", PARAM_CHOICE, .choices = "open|done|closed",
        .help = HELP("Only in this state", "이 상태만")},
    {"before", PARAM_COUNT, .help = HELP("Those below this number", "이 번호보다 앞의 외주")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_STOCK[] = {
    {"item", PARAM_TEXT, .help = HELP("Only of this item", "이 품목만")},
    {"place", PARAM_TEXT, .help = HELP("Only at this place", "이 장소만")},
    {"lot", PARAM_TEXT, .help = HELP("Only of this lot", "이 로트만")},
    {"after", PARAM_TEXT, .help = HELP("`next` of the answer before", "앞 응답의 next 값")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_STOCK_ITEMS[] = {
    {"q", PARAM_TEXT,
        .help = HELP("In code or name; initial consonants too", "코드나 이름에서 검색(초성 가능)")},
    {"short", PARAM_FLAG,
        .help = HELP("1: only below the safety stock", "1: 안전 재고보다 적은 것만")},
    {"after", PARAM_COUNT, .help = HELP("`next` of the answer before", "앞 응답의 next 값")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_STOCK_MOVES[] = {
    {"item", PARAM_TEXT, .help = HELP("Only of this item", "이 품목만")},
    {"lot", PARAM_TEXT, .help = HELP("Only of this lot", "이 로트만")},
    {"place", PARAM_TEXT, .help = HELP("Only at this place", "이 장소만")},
    {"partner", PARAM_TEXT, .help = HELP("Only of this partner", "이 거래처만")},
    {"order", PARAM_TEXT, .help = HELP("Only of this work order", "이 작업 지시만")},
    {"document", PARAM_TEXT, .help = HELP("Only of this delivery note", "이 거래명세서만")},
    {"kind", PARAM_CHOICE,
        .choices = "receipt|issue|consume|output|transfer|count|ship|scrap|return|supply|split|"
                   "merge|mix|rework",
        .help = HELP("Only of this kind", "이 종류만")},
    {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")},
    {"to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")},
    {"before", PARAM_COUNT, .help = HELP("Moves below this number", "이 번호보다 앞의 이동")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_EVENTS[] = {
    {"type", PARAM_TEXT, .help = HELP("Only of this type", "이 종류만")},
    {"before", PARAM_COUNT, .help = HELP("Events below this number", "이 번호보다 앞의 이벤트")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_INSPECTIONS_DUE[] = {
    {"lot", PARAM_TEXT,
        .help =
            HELP("What can be inspected of this lot, due or not", "이 로트에서 할 수 있는 검사")},
    {"operation", PARAM_TEXT,
        .help = HELP("What can be inspected of this operation (WO-1/10), due or not",
            "이 작업(WO-1/10)에서 할 수 있는 검사")},
    END};

static const struct param_spec P_INSPECTIONS[] = {
    {"kind", PARAM_CHOICE, .choices = "incoming|first|in_process|final",
        .help = HELP("Only of this kind", "이 종류만")},
    {"item", PARAM_TEXT, .help = HELP("Only of this item", "이 품목만")},
    {"lot", PARAM_TEXT, .help = HELP("Only of this lot", "이 로트만")},
    {"operation", PARAM_TEXT,
        .help = HELP("Only of this operation (WO-1/10)", "이 작업(WO-1/10)만")},
    {"result", PARAM_CHOICE, .choices = "pass|fail|conditional",
        .help = HELP("Only with this result", "이 결과만")},
    {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")},
    {"to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")},
    {"before", PARAM_COUNT, .help = HELP("Inspections below this number", "이 번호보다 앞의 검사")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_NONCONFORMANCES[] = {
    {"state", PARAM_CHOICE, .choices = "unsettled|open|decided|closed|withdrawn",
        .help = HELP("Only in this state; unsettled: open or decided",
            "이 상태만. unsettled: 처리하지 않았거나 종결하지 않은 것")},
    {"lot", PARAM_TEXT, .help = HELP("Only of this lot", "이 로트만")},
    {"before", PARAM_COUNT, .help = HELP("Those below this number", "이 번호보다 앞의 것")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_ATTACHMENT[] = {
    {"name", PARAM_TEXT, .required = true, .help = HELP("Name of the file", "파일 이름")}, END};

static const struct param_spec P_CORRECTIVE_ACTIONS[] = {
    {"state", PARAM_CHOICE, .choices = "open|done|effective",
        .help =
            HELP("Only in this state; without it open and done", "이 상태만. 없으면 open과 done")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_DOUBTFUL_EVENTS[] = {
    {"state", PARAM_CHOICE, .choices = "open|done|dropped",
        .help = HELP("Only in this state", "이 상태만")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

#define MACHINE_PARAM                                                                              \
    {                                                                                              \
        "machine", PARAM_TEXT,                                                                     \
            .help = HELP("Only this machine: its asset's id", "이 설비만(설비 id)")                \
    }
#define LINE_PARAM                                                                                 \
    {                                                                                              \
        "line", PARAM_TEXT,                                                                        \
            .help = HELP("Only machines of this line: an asset's id", "이 라인의 설비만(자산 id)") \
    }
#define SPAN_PARAMS                                                                                \
    {"from", PARAM_TIME, .help = HELP("Begin; without it today", "시작 시각. 없으면 오늘")}, {     \
        "to", PARAM_TIME, .help = HELP("End, excluded; without it now", "끝 시각. 없으면 지금")    \
    }

static const struct param_spec P_MACHINES[] = {MACHINE_PARAM, LINE_PARAM, END};

static const struct param_spec P_LOSSES[] = {MACHINE_PARAM, LINE_PARAM,
    {"order", PARAM_TEXT, .help = HELP("Only runs of this work order", "이 작업지시의 작업만")},
    SPAN_PARAMS, END};

static const struct param_spec P_KPI[] = {MACHINE_PARAM, LINE_PARAM,
    {"order", PARAM_TEXT, .help = HELP("Only runs of this work order", "이 작업지시의 작업만")},
    SPAN_PARAMS,
    {"by", PARAM_CHOICE, .choices = "day|shift|machine",
        .help = HELP("A row for each day, shift or machine", "일별, 근무조별 또는 설비별")},
    END};

static const struct param_spec P_STOPS[] = {MACHINE_PARAM,
    {"open", PARAM_FLAG, .help = HELP("1: only those that last", "1: 진행 중인 것만")},
    {"unreasoned", PARAM_FLAG,
        .help = HELP("1: only those without a reason", "1: 사유가 없는 것만")},
    {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")},
    {"to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")},
    {"before", PARAM_COUNT, .help = HELP("Stops below this number", "이 번호보다 앞의 비가동")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_ORDERS[] = {
    {"state", PARAM_CHOICE,
        .choices = "open|closed|all|planned|released|running|held|done|cancelled",
        .help = HELP("Only in this state; open: neither done nor cancelled; closed: those",
            "이 상태만(open: 마감·취소 제외, closed: 마감·취소)")},
    {"machine", PARAM_TEXT,
        .help = HELP("Only with work left for this machine", "이 설비에 남은 작업이 있는 것만")},
    {"q", PARAM_TEXT,
        .help = HELP("Text in order, item, name or note", "지시·품목·이름·비고에 포함된 글자")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"cursor", PARAM_COUNT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_CARE[] = {
    {"machine", PARAM_TEXT, .help = HELP("Only of this machine", "이 설비만")},
    {"from", PARAM_TIME, .help = HELP("Begin; usually 90 days ago", "시작 시각. 기본 90일 전")},
    {"to", PARAM_TIME, .help = HELP("End, excluded; usually now", "끝 시각(미포함). 기본 지금")},
    END};

static const struct param_spec P_CARE_LOG[] = {
    {"machine", PARAM_TEXT, .help = HELP("Only of this machine", "이 설비만")},
    {"mould", PARAM_TEXT, .help = HELP("Only of this mould", "이 금형만")},
    {"from", PARAM_TIME, .help = HELP("Begin, included", "시작 시각(포함)")},
    {"to", PARAM_TIME, .help = HELP("End, excluded", "끝 시각(미포함)")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_REPAIRS[] = {
    {"open", PARAM_FLAG, .help = HELP("1: only those that are not over", "1: 끝나지 않은 것만")},
    {"machine", PARAM_TEXT, .help = HELP("Only of this machine", "이 설비만")},
    {"mould", PARAM_TEXT, .help = HELP("Only of this mould", "이 금형만")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"before", PARAM_COUNT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_FORM_DUE[] = {
    {"day", PARAM_TEXT, .help = HELP("2026-01-31; usually today", "2026-01-31. 기본 오늘")},
    {"machine", PARAM_TEXT, .help = HELP("Only of this machine", "이 설비만")}, END};

static const struct param_spec P_FORM_SHEET[] = {
    {"machine", PARAM_TEXT, .help = HELP("Machine it is about", "대상 설비")},
    {"order", PARAM_TEXT, .help = HELP("Work order it is about", "대상 작업 지시")},
    {"lot", PARAM_TEXT, .help = HELP("Lot it is about", "대상 로트")},
    {"day", PARAM_TEXT, .help = HELP("2026-01-31; usually today", "2026-01-31. 기본 오늘")},
    {"shift", PARAM_TEXT,
        .help = HELP("Code of the shift; usually the present one", "근무조. 기본 지금 근무조")},
    END};

static const struct param_spec P_FORM_TABLE[] = {
    {"format", PARAM_CHOICE, .choices = "csv|xlsx", .help = HELP("Usually csv", "기본 csv")}, END};

static const struct param_spec P_FORM_ENTRIES[] = {
    {"form", PARAM_TEXT, .help = HELP("Only of this form", "이 양식만")},
    {"machine", PARAM_TEXT, .help = HELP("Only of this machine", "이 설비만")},
    {"order", PARAM_TEXT, .help = HELP("Only of this work order", "이 작업 지시만")},
    {"lot", PARAM_TEXT, .help = HELP("Only of this lot", "이 로트만")},
    {"day", PARAM_TEXT, .help = HELP("Only of this day: 2026-01-31", "이 날짜만: 2026-01-31")},
    {"replaced", PARAM_FLAG,
        .help = HELP("1: also those that were corrected", "1: 정정되기 전의 기록도")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"before", PARAM_COUNT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_COSTS[] = {
    {"from", PARAM_TIME,
        .help = HELP("Orders worked on since, included", "이 시각부터 작업한 지시(포함)")},
    {"to", PARAM_TIME,
        .help = HELP("Orders worked on before, not included", "이 시각 전까지 작업한 지시")},
    {"item", PARAM_TEXT, .help = HELP("Only of this item", "이 품목만")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"cursor", PARAM_COUNT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_SALES[] = {
    {"state", PARAM_CHOICE, .choices = "open|held|done|cancelled",
        .help = HELP("Only in this state", "이 상태만")},
    {"before", PARAM_COUNT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")}, END};

static const struct param_spec P_PURCHASES[] = {
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"cursor", PARAM_COUNT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_MEASURE[] = {
    {"from", PARAM_TIME,
        .help = HELP(
            "Begin, included; seven days before the end", "시작 시각(포함). 기본: 끝의 7일 전")},
    {"to", PARAM_TIME, .help = HELP("End, excluded; now", "끝 시각(미포함). 기본: 지금")}, END};

static const struct param_spec P_PAPER[] = {
    {"kind", PARAM_CHOICE, .required = true,
        .choices = "definition|hardware|training|security|indicators|handover",
        .help = HELP("Which paper", "문서의 종류")},
    {"format", PARAM_CHOICE, .choices = "pdf|xlsx|zip",
        .help = HELP("pdf; xlsx of all but the hand-over, zip of the hand-over",
            "pdf. 인수인계를 뺀 나머지는 xlsx, 인수인계는 zip도 가능")},
    {"from", PARAM_TIME,
        .help = HELP("Begin of what is measured; seven days before the end",
            "측정 시작 시각. 기본: 끝의 7일 전")},
    {"to", PARAM_TIME, .help = HELP("End of what is measured; now", "측정 끝 시각. 기본: 지금")},
    END};

static const struct param_spec P_RETENTION[] = {
    {"dry_run", PARAM_FLAG,
        .help = HELP("Weigh the rule, store nothing", "저장하지 않고 결과만 계산")},
    END};

static const struct param_spec P_TEMPLATE[] = {
    {"dry_run", PARAM_FLAG,
        .help = HELP("Tell what would be made, make nothing", "만들지 않고 미리 보기")},
    END};

static const struct param_spec P_DUE[] = {
    {"days", PARAM_COUNT, .help = HELP("So many days ahead; 60", "며칠 앞까지. 기본 60")}, END};

static const struct param_spec P_DELIVERABLE[] = {
    {"name", PARAM_TEXT, .required = true, .help = HELP("The file's name", "파일 이름")},
    {"title", PARAM_TEXT, .help = HELP("What it is; the name", "제목. 기본: 파일 이름")},
    {"kind", PARAM_CHOICE, .choices = "manual|report|drawing|source|data|contract|other",
        .help = HELP("Kind; other", "종류. 기본 other")},
    {"version", PARAM_TEXT, .help = HELP("Its version", "판")}, END};

static const struct param_spec P_VIA[] = {
    {"method", PARAM_CHOICE, .required = true, .choices = "GET|POST|PUT|DELETE",
        .help = HELP("Method of the request there", "상대에서 실행할 메서드")},
    {"target", PARAM_TEXT, .required = true,
        .help = HELP("Path and query there, /api/v1/...", "상대의 경로와 매개변수(/api/v1/...)")},
    END};

static const struct param_spec P_PROGRAMME_ASK[] = {
    {"type", PARAM_TEXT,
        .help = HELP(
            "Support type; may be absent where there is one", "지원유형. 하나뿐이면 생략 가능")},
    END};

static const struct param_spec P_CASES[] = {
    {"programme", PARAM_TEXT, .help = HELP("Only of this programme", "이 사업만")},
    {"step", PARAM_TEXT, .help = HELP("Only at this step", "이 단계만")},
    {"state", PARAM_CHOICE,
        .choices = "open|waiting|refused|cancelled|withdrawn|failed|closed|clawback|clawed_back",
        .help = HELP("Only in this state", "이 상태만")},
    {"due_before", PARAM_TEXT,
        .help = HELP("Due before this day, 2024-04-15", "이 날 전에 기한이 오는 것만(2024-04-15)")},
    {"q", PARAM_TEXT, .help = HELP("In number or name", "번호나 이름에서 검색")},
    {"limit", PARAM_COUNT, .help = HELP("At most so many items", "최대 개수")},
    {"cursor", PARAM_TEXT, .help = HELP("`next` of the page before", "이전 쪽의 next 값")}, END};

static const struct param_spec P_WRITE[] = {
    {"plant", PARAM_TEXT,
        .help = HELP("The plant; may be absent where there is one", "공장. 하나뿐이면 생략 가능")},
    {"precision", PARAM_CHOICE, .choices = "ns|us|ms|s",
        .help = HELP("Unit of the times; ns", "시각의 단위. 기본 ns")},
    END};

static const struct route ROUTES[] = {
#define ROUTE(id, method_, path_, right_, handler_, params_, body_, body_schema_, answer_,         \
    answer_schema_, en, ko)                                                                        \
    [ROUTE_##id] = {#id, HTTP_##method_, path_, RIGHT_##right_, handler_, params_, BODY_##body_,   \
        body_schema_, ANSWER_##answer_, answer_schema_, {ko, en}},
#include "serve/routes.def"
#undef ROUTE
};
_Static_assert(sizeof ROUTES / sizeof ROUTES[0] == ROUTE_COUNT, "one row per route");

const struct route *route_at(uint32_t index) {
    return index < ROUTE_COUNT ? &ROUTES[index] : NULL;
}

/* Compares segment by segment; fills the arguments. */
static bool path_matches(const char *pattern_z, struct str path, struct route_match *match) {
    struct str pattern = str_of(pattern_z);
    match->arg_count = 0;
    while (pattern.size > 0 && path.size > 0) {
        struct str want = str_cut(&pattern, '/');
        struct str have = str_cut(&path, '/');
        bool more_wanted = pattern.data != NULL;
        bool more = path.data != NULL;
        if (want.size > 0 && want.data[0] == '{') {
            if (have.size == 0 || match->arg_count == ROUTE_ARGS_MAX) {
                return false;
            }
            match->args[match->arg_count++] = have;
        } else if (!str_eq(want, have)) {
            return false;
        }
        if (more != more_wanted) {
            return false;
        }
    }
    return pattern.size == 0 && path.size == 0;
}

struct route_match route_find(enum http_method method, struct str path) {
    struct route_match result = {0};
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        struct route_match match = {0};
        if (path_matches(ROUTES[i].path, path, &match)) {
            result.path_known = true;
            if (ROUTES[i].method == wanted) {
                match.path_known = true;
                match.route = &ROUTES[i];
                return match;
            }
        }
    }
    return result;
}

void route_allowed(struct str path, char *to) {
    size_t size = 0;
    to[0] = '\0';
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        struct route_match match = {0};
        if (!path_matches(ROUTES[i].path, path, &match)) {
            continue;
        }
        const char *name = http_method_name(ROUTES[i].method);
        if (size > 0) {
            size += str_copy_z(STR(", "), to + size, 64 - size);
        }
        size += str_copy_z(str_of(name), to + size, 64 - size);
    }
}

const char *http_method_name(enum http_method method) {
    switch (method) {
    case HTTP_GET: return "GET";
    case HTTP_HEAD: return "HEAD";
    case HTTP_POST: return "POST";
    case HTTP_PUT: return "PUT";
    case HTTP_DELETE: return "DELETE";
    case HTTP_METHOD_OTHER: break;
    }
    return "OTHER";
}

#define BIT(role) (1u << (role))

bool right_allows(enum right right, enum role role, uint32_t scopes) {
    static const struct {
        uint32_t roles;
        uint32_t scope;
    } RIGHTS[] = {
        [RIGHT_PUBLIC] = {0, 0},
        [RIGHT_READ] = {BIT(ROLE_VIEWER) | BIT(ROLE_OPERATOR) | BIT(ROLE_AUDITOR) |
                            BIT(ROLE_INSTALLER) | BIT(ROLE_MANAGER) | BIT(ROLE_OWNER),
            SCOPE_READ},
        [RIGHT_WRITE] = {BIT(ROLE_OPERATOR) | BIT(ROLE_INSTALLER) | BIT(ROLE_MANAGER) |
                             BIT(ROLE_OWNER),
            SCOPE_WRITE},
        [RIGHT_CONFIGURE] = {BIT(ROLE_INSTALLER) | BIT(ROLE_OWNER), SCOPE_WRITE},
        [RIGHT_PLAN] = {BIT(ROLE_INSTALLER) | BIT(ROLE_MANAGER) | BIT(ROLE_OWNER), SCOPE_WRITE},
        [RIGHT_AUDIT] = {BIT(ROLE_AUDITOR) | BIT(ROLE_OWNER), SCOPE_READ},
        [RIGHT_GRANT] = {BIT(ROLE_OWNER), SCOPE_WRITE},
    };
    if (right == RIGHT_PUBLIC) {
        return true;
    }
    return (size_t)right < sizeof RIGHTS / sizeof RIGHTS[0] &&
           (RIGHTS[right].roles & BIT(role)) != 0 && (RIGHTS[right].scope & scopes) != 0;
}

bool route_is_of_plant(const struct route *route) {
    return str_starts(str_of(route->path), STR("/api/v1/plants/{plant}"));
}

bool route_is_shared(const struct route *route) {
    static const enum route_index SHARED[] = {
        ROUTE_TAGS, ROUTE_SAMPLES, ROUTE_SERIES, ROUTE_MOMENTS, ROUTE_STREAM};
    for (size_t i = 0; i < sizeof SHARED / sizeof SHARED[0]; i++) {
        if (route == &ROUTES[SHARED[i]]) {
            return true;
        }
    }
    return false;
}

bool route_allows(const struct route *route, const struct principal *caller) {
    if (caller->role == ROLE_GRANTEE && route_is_of_plant(route)) {
        return caller->is_session && route_is_shared(route);
    }
    bool is_lead = caller->role == ROLE_MANAGER || caller->role == ROLE_OWNER;
    switch (route->right) {
    case RIGHT_PUBLIC: return true;
    case RIGHT_SELF: return caller->is_session;
    case RIGHT_PEOPLE: return caller->is_session && is_lead;
    case RIGHT_SHARE: return caller->is_session && caller->role == ROLE_OWNER;
    case RIGHT_SHARE_LOOK: return caller->is_session && (is_lead || caller->role == ROLE_AUDITOR);
    case RIGHT_ADMIN: return caller->is_session && caller->admin;
    case RIGHT_HUB_CONFIGURE:
        return caller->is_session ? caller->admin
                                  : caller->plant[0] == '\0' &&
                                        right_allows(RIGHT_GRANT, caller->role, caller->scopes);
    case RIGHT_HUB_AUDIT:
        return caller->is_session ? caller->admin
                                  : caller->plant[0] == '\0' &&
                                        right_allows(RIGHT_AUDIT, caller->role, caller->scopes);
    case RIGHT_DESK_LOOK: // What they may see and do there is decided by their roles at the desk.
        return caller->is_session || (caller->plant[0] == '\0' &&
                                         right_allows(RIGHT_AUDIT, caller->role, caller->scopes));
    case RIGHT_DESK:
        return caller->is_session || (caller->plant[0] == '\0' &&
                                         right_allows(RIGHT_GRANT, caller->role, caller->scopes));
    case RIGHT_READ: // What is of no plant, every person may read.
        if (caller->is_session && !route_is_of_plant(route)) {
            return true;
        }
        break;
    case RIGHT_WRITE:
    case RIGHT_CONFIGURE:
    case RIGHT_PLAN:
    case RIGHT_AUDIT:
    case RIGHT_GRANT: break;
    }
    return right_allows(route->right, caller->role, caller->scopes);
}

const char *right_name(enum right right) {
    switch (right) {
    case RIGHT_PUBLIC: return "public";
    case RIGHT_READ: return "read";
    case RIGHT_WRITE: return "write";
    case RIGHT_CONFIGURE: return "configure";
    case RIGHT_PLAN: return "plan";
    case RIGHT_AUDIT: return "audit";
    case RIGHT_GRANT: return "grant";
    case RIGHT_SELF: return "self";
    case RIGHT_PEOPLE: return "people";
    case RIGHT_SHARE: return "share";
    case RIGHT_SHARE_LOOK: return "share look";
    case RIGHT_ADMIN: return "admin";
    case RIGHT_HUB_CONFIGURE: return "hub configure";
    case RIGHT_HUB_AUDIT: return "hub audit";
    case RIGHT_DESK_LOOK: return "desk look";
    case RIGHT_DESK: return "desk";
    }
    return "none";
}
