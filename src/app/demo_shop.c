/*
 * The demo's shop as a table of rows in the words of forms and terminals: what a row says can be
 * read, and it goes the way of every row and event, through all checks. Texts that people see stand
 * in both languages with a bar between: "한국어|English".
 */
#include "app/demo_shop.h"

#include <stdio.h>

#include "core/time.h"
#include "production/event.h"
#include "production/master.h"

enum { MEMBERS_MAX = 32, TEXT_BYTES = 512 };

struct shop_row {
    enum noun_id noun;
    const char *fields; // "name=value;name=value"
};

static const struct shop_row ROWS[] = {
    {NOUN_PARTNERS, "code=HANSUNG;name=한성화학|Hansung Chemical;kind=supplier"},
    {NOUN_PARTNERS, "code=DAEIL;name=대일전자|Daeil Electronics;kind=customer"},
    {NOUN_PARTNERS, "code=MIRAE;name=미래도금|Mirae Plating;kind=outsourcer"},
    {NOUN_PLACES, "code=RAW;name=원자재 창고|Raw materials;kind=warehouse"},
    {NOUN_PLACES, "code=WIP;name=공정 재공|Work in progress;kind=floor"},
    {NOUN_PLACES, "code=FG;name=완제품 창고|Finished goods;kind=warehouse"},
    {NOUN_PLACES, "code=NG;name=부적합 보관|Quarantine;kind=quarantine"},
    {NOUN_ITEMS, "code=R-ABS;name=ABS 수지|ABS resin;kind=material;unit=kg;place=RAW;cost=2350;"
                 "lead_days=7;safety=200;shelf_days=365"},
    {NOUN_ITEMS, "code=R-BOX;name=포장 상자|Box;kind=consumable;unit=EA;lots=0;place=RAW;cost=420;"
                 "lead_days=3"},
    {NOUN_ITEMS, "code=R-BAR;name=알루미늄 환봉|Aluminium bar;kind=material;unit=EA;place=RAW;"
                 "cost=3100;lead_days=10"},
    {NOUN_ITEMS, "code=P-110;name=하우징 상|Housing, upper;kind=semi;unit=EA;place=WIP;cost=410"},
    {NOUN_ITEMS, "code=P-120;name=하우징 하|Housing, lower;kind=semi;unit=EA;place=WIP;cost=390"},
    {NOUN_ITEMS, "code=A-100;name=하우징 세트|Housing set;kind=product;unit=EA;place=FG;"
                 "gtin=8801234567893"},
    {NOUN_ITEMS, "code=C-200;name=샤프트|Shaft;kind=product;unit=EA;place=FG"},
    {NOUN_ITEMS,
        "code=S-SEAL;name=유압 씰 P42|Hydraulic seal P42;kind=spare;unit=EA;lots=0;place=RAW;"
        "cost=8500;safety=4"},
    {NOUN_ITEMS, "code=S-BAND;name=밴드 히터 45x30|Band heater 45x30;kind=spare;unit=EA;lots=0;"
                 "place=RAW;cost=23000;safety=2"},
    {NOUN_PROCESSES, "code=INJ;name=사출|Injection moulding"},
    {NOUN_PROCESSES, "code=PACK;name=포장|Packing"},
    {NOUN_PROCESSES, "code=TURN;name=선삭|Turning"},
    {NOUN_CALENDARS, "code=STD;name=주야 2교대|Two shifts;day_start=08:00"},
    {NOUN_SHIFTS, "calendar=STD;code=D;name=주간|Day;weekdays=1234567;begin_clock=08:00;"
                  "end_clock=20:00;breaks=12:00-13:00 15:00-15:10"},
    {NOUN_SHIFTS, "calendar=STD;code=N;name=야간|Night;weekdays=1234567;begin_clock=20:00;"
                  "end_clock=08:00;breaks=00:00-01:00"},
    {NOUN_WORKCENTRES, "code=WC-INJ;name=사출반|Moulding;line=line1;calendar=STD;place=WIP;"
                       "machine_rate=18000;labour_rate=14500"},
    {NOUN_WORKCENTRES, "code=WC-PACK;name=포장반|Packing;line=line1;calendar=STD;place=FG;"
                       "machine_rate=9000;labour_rate=13500"},
    {NOUN_WORKCENTRES, "code=WC-CNC;name=가공반|Machining;line=line2;calendar=STD;place=FG;"
                       "machine_rate=32000;labour_rate=15500"},
    {NOUN_MACHINES, "asset=press1;workcentre=WC-INJ;counter=line1.press1.strokes;"
                    "rejects=line1.press1.reject;state=line1.press1.state;run_values=1;"
                    "stop_after=20;silent_after=30"},
    {NOUN_MACHINES, "asset=press2;workcentre=WC-INJ;counter=line1.press2.strokes;"
                    "rejects=line1.press2.reject;state=line1.press2.state;run_values=1;"
                    "stop_after=20;silent_after=30"},
    {NOUN_MACHINES, "asset=pack1;workcentre=WC-PACK;counter=line1.pack1.count;"
                    "rejects=line1.pack1.reject;state=line1.pack1.state;run_values=1;"
                    "stop_after=20;silent_after=30"},
    {NOUN_MACHINES, "asset=cnc1;workcentre=WC-CNC;counter=line2.cnc1.count;"
                    "rejects=line2.cnc1.reject;state=line2.cnc1.state;run_values=1;"
                    "stop_after=20;silent_after=30"},
    {NOUN_MOULDS, "code=M-110;name=하우징 상 금형|Upper housing mould;item=P-110;cavities=1;"
                  "shots_before=182400;shots_life=500000;shots_care=20000;place=WIP"},
    {NOUN_MOULDS, "code=M-120;name=하우징 하 금형|Lower housing mould;item=P-120;cavities=1;"
                  "shots_before=99400;shots_life=500000;shots_care=20000;place=WIP"},
    {NOUN_BOMS,
        "item=P-110;version=1;line=1;component=R-ABS;quantity=86;base=1000;scrap_ppm=15000"},
    {NOUN_BOMS,
        "item=P-120;version=1;line=1;component=R-ABS;quantity=79;base=1000;scrap_ppm=15000"},
    {NOUN_BOMS, "item=A-100;version=1;line=1;component=P-110;quantity=1"},
    {NOUN_BOMS, "item=A-100;version=1;line=2;component=P-120;quantity=1"},
    {NOUN_BOMS, "item=A-100;version=1;line=3;component=R-BOX;quantity=1;base=20"},
    {NOUN_BOMS, "item=C-200;version=1;line=1;component=R-BAR;quantity=1"},
    {NOUN_ROUTINGS, "item=P-110;version=1;step=10;process=INJ;machine=press1;cycle=11.5;setup=1800;"
                    "people=0.5"},
    {NOUN_ROUTINGS, "item=P-120;version=1;step=10;process=INJ;machine=press2;cycle=11.5;setup=1800;"
                    "people=0.5"},
    {NOUN_ROUTINGS, "item=A-100;version=1;step=10;process=PACK;machine=pack1;cycle=3;people=1"},
    {NOUN_ROUTINGS, "item=C-200;version=1;step=10;process=TURN;machine=cnc1;cycle=40;setup=2400;"
                    "people=0.5"},
    {NOUN_WORKERS, "code=E-101;name=김영수|Kim Youngsoo;team=사출반|Moulding;badge=9000101"},
    {NOUN_WORKERS, "code=E-102;name=이정희|Lee Junghee;team=사출반|Moulding;badge=9000102"},
    {NOUN_WORKERS, "code=E-201;name=박민호|Park Minho;team=가공반|Machining;badge=9000201"},
    {NOUN_PRICES, "item=R-ABS;kind=buy;partner=HANSUNG;price=2380"},
    {NOUN_PRICES, "item=A-100;kind=sell;partner=DAEIL;price=1650"},
    {NOUN_REASONS, "kind=stop;code=S-BREAK;name=설비 고장|Breakdown;loss=breakdown"},
    {NOUN_REASONS, "kind=stop;code=S-MOULD;name=금형 교체|Mould change;loss=setup"},
    {NOUN_REASONS, "kind=stop;code=S-MAT;name=자재 대기|Waiting for material;loss=material"},
    {NOUN_REASONS, "kind=stop;code=S-MAN;name=작업자 부재|Nobody there;loss=people"},
    {NOUN_REASONS, "kind=stop;code=S-QUAL;name=품질 확인|Quality check;loss=quality"},
    {NOUN_REASONS, "kind=stop;code=S-CLEAN;name=계획 청소|Planned cleaning;loss=planned"},
    {NOUN_REASONS, "kind=defect;code=D-SHORT;name=미성형|Short shot"},
    {NOUN_REASONS, "kind=defect;code=D-FLASH;name=버|Flash"},
    {NOUN_REASONS, "kind=defect;code=D-SINK;name=싱크 마크|Sink mark"},
    {NOUN_INSPECTIONS, "item=P-110;kind=first;line=1;name=외관|Appearance;method=judged;samples=5"},
    {NOUN_INSPECTIONS, "item=R-ABS;kind=incoming;line=1;name=외관|Appearance;method=judged"},
    {NOUN_INSPECTIONS, "item=R-ABS;kind=incoming;line=2;name=수분율|Moisture;method=typed;unit=%;"
                       "upper=0.1;samples=3"},
    {NOUN_INSPECTIONS, "item=C-200;kind=final;line=1;name=외경|Outer diameter;method=typed;unit=mm;"
                       "nominal=20;lower=19.98;upper=20.02;samples=5"},
    {NOUN_INSPECTIONS, "item=P-110;kind=in_process;line=1;name=중량|Weight;method=typed;unit=g;"
                       "nominal=86;lower=85.2;upper=86.8;samples=3;every_minutes=60"},
    {NOUN_INSPECTIONS, "item=P-110;kind=in_process;line=2;name=금형 온도|Mould temperature;"
                       "method=tag;unit=°C;lower=40;upper=70;samples=1;"
                       "tag=line1.press1.temp_mould"},
    {NOUN_CARE_PLANS, "code=OIL-1;name=작동유 교환|Change hydraulic oil;machine=press1;every=2000;"
                      "basis=hours;tolerance=100;worker=E-101;minutes=90"},
    {NOUN_CARE_PLANS, "code=GREASE-1;name=타이바 그리스 주입|Grease the tie bars;machine=press1;"
                      "every=7;basis=days;tolerance=1;worker=E-101;minutes=15"},
    {NOUN_CARE_PLANS, "code=BELT-1;name=벨트 장력 점검|Check the belts;machine=pack1;every=1;"
                      "basis=months;tolerance=3;worker=E-102;minutes=20"},
    {NOUN_CARE_PLANS, "code=SAFE-2;name=안전장치 정기 점검|Check of safety devices;machine=press2;"
                      "every=6;basis=months;tolerance=7;start=2025-01-02;minutes=60"},
    {NOUN_MACHINE_PAPERS, "machine=press1;name=취급 설명서|Manual;kind=manual;"
                          "address=사무실 캐비닛 2|Cabinet 2 in the office"},
};

struct shop_event {
    const char *type;
    const char *members; // @: when the demo's hour begins; @25: 25 minutes later.
};

static const struct shop_event EVENTS[] = {
    {"stock.receive", "item=R-ABS;quantity=1000;lot=ABS-2611-07;partner=HANSUNG;"
                      "partner_lot=HS26-118;price=2380;time=@"},
    {"stock.receive", "item=R-ABS;quantity=500;lot=ABS-2611-12;partner=HANSUNG;"
                      "partner_lot=HS26-131;price=2410;time=@"},
    {"stock.receive", "item=R-ABS;quantity=500;lot=ABS-2611-15;partner=HANSUNG;"
                      "partner_lot=HS26-140;price=2410;time=@"},
    {"stock.receive", "item=R-ABS;quantity=250;lot=ABS-2611-18;partner=HANSUNG;"
                      "partner_lot=HS26-144;price=2410;time=@"},
    {"inspection.record", "kind=incoming;lot=ABS-2611-07;line=1;line=2;value=pass;"
                          "value=0.042 0.038 0.045;worker=E-102;time=@"},
    {"inspection.record", "kind=incoming;lot=ABS-2611-12;line=1;line=2;value=pass;"
                          "value=0.051 0.047 0.049;worker=E-102;time=@"},
    {"inspection.record", "kind=incoming;lot=ABS-2611-15;line=1;line=2;value=pass;"
                          "value=0.096 0.118 0.104;worker=E-102;time=@"},
    {"action.open", "nonconformance=1;cause=포장 파손|Torn bags;measure=공급처에 개선 요청|Ask the "
                    "supplier for better bags;worker=E-102;due=+5"},
    {"stock.receive", "item=R-BOX;quantity=4000;price=420;time=@"},
    {"stock.receive", "item=R-BAR;quantity=600;lot=BAR-2611-03;price=3150;time=@"},
    {"sales.enter", "code=DE-26118;partner=DAEIL;item=A-100;quantity=12000;due=+7;price=1650"},
    {"order.make", "item=P-110;quantity=2400;due=+2;priority=2;release=1"},
    {"order.make", "item=P-120;quantity=2400;due=+2;priority=2;release=1"},
    {"order.make", "item=A-100;quantity=2000;due=+3;release=1"},
    {"order.make", "item=C-200;quantity=400;due=+4;release=1"},
    {"operation.begin", "operation=#1/10;worker=E-101;mould=M-110;time=@"},
    {"inspection.record", "kind=first;operation=#1/10;line=1;value=pass;worker=E-101;time=@"},
    {"operation.begin", "operation=#2/10;worker=E-102;mould=M-120;time=@"},
    {"operation.begin", "operation=#3/10;time=@"},
    {"operation.begin", "operation=#4/10;worker=E-201;time=@"},
    {"stock.receive", "item=S-SEAL;quantity=6;price=8500;time=@"},
    {"stock.receive", "item=S-BAND;quantity=3;price=23000;time=@"},
    {"plan.run", ""},
    {"board.run", ""},
    {"care.done", "plan=OIL-1;worker=E-101;minutes=85;time=@"},
    {"care.done", "plan=GREASE-1;worker=E-101;minutes=15;time=@"},
    {"repair.ask",
        "machine=cnc1;text=주축에서 소음|Noise of the spindle;worker=E-201;stands=1;time=@"},
    {"repair.done", "repair=1;worker=E-101;cause=씰 마모|Worn seal;what=유압 씰 교환|New hydraulic "
                    "seals;minutes=25;item=S-SEAL;quantity=3;place=RAW;time=@25"},
    {"repair.ask", "machine=press1;text=노즐에서 수지 누출|Resin leaks at the nozzle;worker=E-102"},
    {"form.take", "ready=daily"},
    {"form.take", "ready=self"},
    {"form.take", "ready=equipment"},
    {"form.fill",
        "form=CHECK;machine=press1;worker=E-101;field=oil;value=1;field=oil_heat;"
        "value=57.5;field=cooling;value=1;field=leak;value=0;field=air;value=0.55;"
        "field=door;value=1;field=emergency;value=1;field=heater;value=1;field=noise;"
        "value=1;field=clean;value=1;field=remark;value=노즐 쪽 누유 조금|A little oil at "
        "the nozzle"},
};

struct shop {
    struct plant *plant;
    enum lang lang;
    int64_t begin_ns;
    const struct zone *zone;
};

/* Of "한국어|English" one. A bar elsewhere (values of a state tag) stays: those have no Hangul. */
static struct str in_language(const struct shop *shop, struct str value) {
    struct str rest = value;
    struct str korean = str_cut(&rest, '|');
    bool both = rest.size > 0 && str_find(value, '|') < value.size;
    return !both ? value : shop->lang == LANG_KO ? korean : rest;
}

static int put_row(
    struct ledger_tx *tx, const struct shop *shop, const struct shop_row *row, struct err *err) {
    struct master_row master = {.number = 0};
    struct str rest = str_of(row->fields);
    while (rest.size > 0) {
        struct str value = str_cut(&rest, ';');
        struct str name = str_cut(&value, '=');
        int index = noun_field_of_name(row->noun, name);
        if (index < 0) {
            return err_set(err, ERR_INTERNAL, MSG_DEMO_TABLE, ARGS(A_STR(name)));
        }
        master.fields[index] = in_language(shop, value);
    }
    int64_t number = 0;
    bool changed = false;
    return master_put(tx, row->noun, &master, STR("demo"), &number, &changed, err);
}

static int put_rows(struct ledger_tx *tx, void *context, struct err *err) {
    int status = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0] && status >= 0; i++) {
        status = put_row(tx, context, &ROWS[i], err);
    }
    return status;
}

/* "@" when the demo's hour begins, "@25" minutes later, "+2" a date so many days ahead, "#1" the
 * first order of that day. */
static struct str put_value(const struct shop *shop, struct str value, char to[TEXT_BYTES]) {
    char today[TIME_TEXT_MAX];
    (void)time_format(shop->begin_ns, shop->zone, today);
    if (str_starts(value, STR("@"))) {
        int64_t minutes = 0;
        (void)str_to_i64(str_slice(value, 1, value.size), &minutes);
        (void)time_format(shop->begin_ns + minutes * 60 * NS_PER_S, shop->zone, to);
    } else if (str_starts(value, STR("+"))) {
        int64_t days = 0;
        (void)str_to_i64(str_slice(value, 1, value.size), &days);
        (void)time_format(shop->begin_ns + days * 86400 * NS_PER_S, shop->zone, to);
        to[10] = '\0';
    } else if (str_starts(value, STR("#"))) {
        char now[TIME_TEXT_MAX];
        (void)time_format(clock_wall_ns(clock_system()), shop->zone, now);
        (void)snprintf(to, TEXT_BYTES, "%.2s%.2s%.2s-00%.*s", now + 2, now + 5, now + 8,
            (int)(value.size - 1), value.data + 1);
    } else {
        (void)str_copy_z(in_language(shop, value), to, TEXT_BYTES);
    }
    return str_of(to);
}

static int tell(const struct shop *shop, size_t index, struct err *err) {
    char texts[MEMBERS_MAX][TEXT_BYTES];
    struct event_member members[MEMBERS_MAX];
    char key[32];
    (void)snprintf(key, sizeof key, "demo-%zu", index);
    struct event_call call = {.key = str_of(key),
        .type = str_of(EVENTS[index].type),
        .members = members,
        .actor = STR("demo"),
        .may_manage = true,
        .lang = shop->lang,
        .zone = shop->zone,
        .historian = plant_historian(shop->plant)};
    struct str rest = str_of(EVENTS[index].members);
    while (rest.size > 0 && call.member_count < MEMBERS_MAX) {
        struct str value = str_cut(&rest, ';');
        struct str name = str_cut(&value, '=');
        members[call.member_count] = (struct event_member){
            name, put_value(shop, in_language(shop, value), texts[call.member_count])};
        call.member_count++;
    }
    AUTO_BUF struct buf answer;
    buf_init(&answer, EVENT_ANSWER_BYTES + 64);
    return event_run(plant_ledger(shop->plant), &call, &answer, err);
}

int demo_shop_put(struct plant *plant, enum lang lang, int64_t begin_ns, struct err *err) {
    struct shop shop = {
        .plant = plant, .lang = lang, .begin_ns = begin_ns, .zone = plant_zone(plant)};
    int status = ledger_write(plant_ledger(plant), put_rows, &shop, err);
    for (size_t i = 0; i < sizeof EVENTS / sizeof EVENTS[0] && status >= 0; i++) {
        status = tell(&shop, i, err);
    }
    return status;
}
