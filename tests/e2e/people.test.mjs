// People: the second factor at the door, invitations, new passwords, two plants with a role each, and a
// program that knows nothing of it yet; then Settings: accounts, roles, tokens, the audit trail: against the
// mock, and once through with the real program. MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startMock } from '../../ui/mock/server.mjs';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL, axe, launch, leastContrast, openPage, picture, sideways, smallTargets } from './browser.mjs';
import { line, PROGRAM, start, START_MS, stopAll } from './program.mjs';
import { gridOf, readQr } from './qr-read.mjs';

const WAIT = { timeout: 10_000 };
const LEAST_TARGET = 44;
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A mock and a page of it, both ended with the test. */
async function opened(t, { mode = 'demo', look = PHONE } = {}) {
  const mock = await startMock({ mode, lang: look.lang ?? 'ko' });
  const { page, context, troubles } = await openPage(browser, look);
  t.after(async () => {
    await context.close();
    await mock.close();
  });
  return { mock, page, troubles };
}

async function looked(page, name, least = LEAST_TARGET) {
  await picture(page, name);
  assert.deepEqual(await axe(page), [], name);
  assert.equal(await sideways(page), 0, name);
  assert.deepEqual(await smallTargets(page, least), [], name);
}

describe('the door', () => {
  test('asks for the second factor only where there is one, and takes a recovery code', async (t) => {
    const { mock, page } = await opened(t, { mode: 'signedout' });
    await page.goto(`${mock.url}/signin`);
    await page.fill('#login', 'park');
    await page.fill('#password', 'maru-mock-2026');
    await page.keyboard.press('Enter');
    const code = page.locator('#code');
    await code.waitFor(WAIT);
    assert.equal(await code.evaluate((one) => one === document.activeElement), true, 'the code is typed at once');
    assert.equal(await code.getAttribute('autocomplete'), 'one-time-code');
    await looked(page, 'people-code');
    await page.keyboard.type('111111'); // The sixth digit sends it.
    await page.getByRole('alert').filter({ hasText: '인증 코드가 맞지 않습니다' }).waitFor(WAIT);
    assert.equal(await code.inputValue(), '');
    await page.getByRole('button', { name: '복구 코드로 로그인' }).click();
    await code.fill('k7wd-29qf');
    await page.keyboard.press('Enter');
    await page.waitForSelector('article .big', WAIT);
    assert.equal(new URL(page.url()).pathname, '/floor');
  });

  test('an invitation tells plant, organisation and role before anything is typed, and makes the account', async (t) => {
    const { mock, page, troubles } = await opened(t, { mode: 'signedout' });
    await page.goto(`${mock.url}/invite#used-secret`);
    await page.getByText('이 링크는 이미 쓰였거나 기간이 지났습니다').waitFor(WAIT);
    troubles.length = 0; // The refusal stands in the console, too.
    await page.goto(`${mock.url}/invite`);
    await page.getByText('# 뒤까지 모두').waitFor(WAIT);
    await page.goto(`${mock.url}/invite#good-secret`);
    await page.reload();
    await page.getByText('마루정밀 시범공장 초대').waitFor(WAIT);
    const told = await page.locator('dl').innerText();
    assert.match(told, /마루정밀[\s\S]*작업자[\s\S]*정정할 수 있습니다/);
    await page.fill('#display', '한주임');
    await page.fill('#login', 'Han');
    assert.equal(await page.locator('#login').getAttribute('aria-invalid'), 'true');
    await page.fill('#login', 'han');
    await page.fill('#password', 'night-shift-7');
    const submit = page.getByRole('button', { name: '계정 등록' });
    assert.ok(await submit.isDisabled(), 'typed once only');
    await page.fill('#password-repeat', 'night-shift-7');
    await looked(page, 'people-invite');
    await submit.click();
    await page.waitForSelector('article .big', WAIT);
    assert.doesNotMatch(page.url(), /secret/);
    assert.deepEqual(troubles, []);
  });

  test('a link for a new password asks for nothing but the password', async (t) => {
    const { mock, page } = await opened(t, { mode: 'signedout' });
    await page.goto(`${mock.url}/reset#good-secret`);
    await page.fill('#password', 'second-lamp-40');
    await page.fill('#password-repeat', 'second-lamp-40');
    assert.equal(await page.locator('#login, #display').count(), 0);
    await page.getByRole('button', { name: '비밀번호 저장' }).click();
    await page.waitForSelector('article .big', WAIT);
  });
});

describe('an invitation for somebody with an account', () => {
  test('is joined with one press, or makes a new account', async (t) => {
    const { mock, page } = await opened(t);
    await page.goto(`${mock.url}/invite#good-secret`);
    await page.getByText('지금 김현장 계정으로 로그인되어 있습니다').waitFor(WAIT);
    await looked(page, 'people-join');
    await page.getByRole('button', { name: '새 계정 만들기' }).click();
    await page.locator('#login').waitFor(WAIT);
    await page.reload();
    await page.getByRole('button', { name: '김현장 계정으로 참여' }).click();
    await page.waitForSelector('article .big', WAIT);
  });
});

describe('two plants', () => {
  test('the bar tells the role in each, and the pages follow it', async (t) => {
    const { mock, page } = await opened(t, { mode: 'two', look: DESK });
    await page.goto(`${mock.url}/data/upload?part=import`);
    await page.getByText('이곳에 파일을 놓으십시오').waitFor(WAIT);
    const plants = page.locator('#plant');
    assert.deepEqual(await plants.locator('option').allInnerTexts(), ['마루정밀 시범공장 · 소유자', '제2공장 · 조회']);
    await plants.selectOption('annex');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('plant') === 'annex');
    await page.getByText('이 계정은 볼 수만 있습니다').waitFor(WAIT);
  });

  test('a program that knows one role a person is served by it', async (t) => {
    const { mock, page, troubles } = await opened(t, { mode: 'old', look: DESK });
    await page.goto(`${mock.url}/settings/me`);
    await page.getByText('소유자', { exact: true }).waitFor(WAIT);
    await page.getByRole('link', { name: '값의 보존 기간' }).click();
    await page.getByRole('button', { name: '결과 보기' }).waitFor(WAIT); // An owner may set the rule.
    assert.deepEqual(troubles, []);
  });
});

/** What the QR code on the page says. */
async function qr(page) {
  const code = page.locator('svg[role=img]:has(rect)');
  const side = Number((await code.getAttribute('viewBox')).split(' ')[2]);
  return readQr(gridOf(await code.locator('path').getAttribute('d'), side));
}

describe('my account', () => {
  test('an authenticator is enrolled from a code that is drawn here, and proves itself first', async (t) => {
    const { mock, page, troubles } = await opened(t, { look: DESK });
    await page.goto(`${mock.url}/settings/me`);
    await page.getByRole('button', { name: '2단계 인증 등록' }).click();
    const sheet = page.locator('dialog[open]');
    await sheet.getByLabel('비밀번호').fill('maru-mock-2027');
    await sheet.getByRole('button', { name: '다음', exact: true }).click();
    await sheet.getByRole('alert').filter({ hasText: '비밀번호가 맞지 않습니다' }).waitFor(WAIT);
    troubles.length = 0; // The refusal stands in the console, too.
    await sheet.getByLabel('비밀번호').fill('maru-mock-2026');
    await sheet.getByRole('button', { name: '다음', exact: true }).click();
    await sheet.getByText('인증 앱에서 QR 코드를 읽으십시오').waitFor(WAIT);
    assert.match(await qr(page), /^otpauth:\/\/totp\/Maru:kim\?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Maru/);
    assert.deepEqual(await axe(page), []);
    await picture(page, 'people-totp');
    const finish = sheet.getByRole('button', { name: '등록', exact: true });
    await sheet.getByLabel('앱에 나오는 6자리 코드').fill('12 34');
    assert.ok(await finish.isDisabled());
    await sheet.getByLabel('앱에 나오는 6자리 코드').fill('999999');
    await finish.click();
    await sheet.getByRole('alert').filter({ hasText: '휴대전화의 시각을 확인' }).waitFor(WAIT);
    troubles.length = 0; // The refusal stands in the console, too.
    await sheet.getByLabel('앱에 나오는 6자리 코드').fill('123456');
    await finish.click();
    await page.locator('.codes').waitFor(WAIT);
    assert.equal(await page.locator('.codes li').count(), 10);
    await picture(page, 'people-recovery');
    await page.getByRole('button', { name: '적어 두었습니다' }).click();
    await page.reload();
    await page.getByText('사용하고 있습니다.').waitFor(WAIT);
    assert.equal(await page.locator('.codes').count(), 0, 'shown once');
    await page.getByRole('button', { name: '2단계 인증 해제' }).click();
    await sheet.getByLabel('비밀번호').fill('maru-mock-2026');
    await sheet.getByLabel('인증 코드 또는 복구 코드').fill('123456');
    await sheet.getByRole('button', { name: '2단계 인증 해제' }).click();
    await page.getByRole('button', { name: '2단계 인증 등록' }).waitFor(WAIT);
    assert.deepEqual(troubles, []);
  });

  test('name, password and the devices that are signed in', async (t) => {
    const { mock, page } = await opened(t);
    await page.goto(`${mock.url}/settings/me`);
    const save = page.getByRole('button', { name: '저장', exact: true });
    await page.getByLabel('이름', { exact: true }).fill('김공장장');
    await save.click();
    await page.getByText('저장했습니다.').waitFor(WAIT);
    assert.equal(mock.people.me.display, '김공장장');
    await page.getByRole('button', { name: '변경' }).click();
    await page.getByLabel('지금 비밀번호').fill('wrong');
    await page.locator('#new-password').fill('second-lamp-40');
    await page.locator('#new-password-repeat').fill('second-lamp-40');
    await page.getByRole('button', { name: '비밀번호 저장' }).click();
    await page.getByRole('alert').filter({ hasText: '지금 비밀번호가 맞지 않습니다' }).waitFor(WAIT);
    await page.getByLabel('지금 비밀번호').fill('maru-mock-2026');
    await page.getByRole('button', { name: '비밀번호 저장' }).click();
    await page.getByText('비밀번호를 바꾸었습니다.').waitFor(WAIT);
    await page.getByRole('button', { name: 'Samsung Internet · Android 로그아웃' }).click();
    await page.getByText('Samsung Internet').waitFor({ state: 'detached', ...WAIT });
  });
});

describe('people of a plant', () => {
  test('somebody is invited by a link and a code, which are shown once', async (t) => {
    const { mock, page } = await opened(t, { look: DESK });
    await page.goto(`${mock.url}/settings/people`);
    await page.getByRole('button', { name: '초대', exact: true }).click();
    const sheet = page.locator('dialog[open]');
    await sheet.getByRole('radio', { name: /^설치 기사/ }).check();
    await sheet.getByLabel('받는 사람').fill('한빛 최기사');
    await sheet.getByText('조직과 기한').click();
    await sheet.getByLabel('조직').first().selectOption('new');
    const make = sheet.getByRole('button', { name: '링크 만들기' });
    assert.ok(await make.isDisabled(), 'an organisation without a name');
    await sheet.getByLabel('조직 이름').fill('새빛제어');
    await make.click();
    const link = await sheet.locator('.link').innerText(WAIT);
    assert.match(link, new RegExp(`^${mock.url}/invite#`));
    assert.equal(await qr(page), link, 'the code says what the text says');
    assert.deepEqual(await axe(page), []);
    await picture(page, 'people-link');
    await sheet.getByRole('button', { name: '닫기' }).last().click();
    await page.getByText('한빛 최기사').waitFor(WAIT);
    assert.doesNotMatch(await page.locator('main').innerText(), /invite#/);
    await page.getByRole('button', { name: '한빛 최기사 초대 취소' }).click();
    await page.getByText('한빛 최기사').waitFor({ state: 'detached', ...WAIT });
  });

  test('a role changes and ends; the last owner stays; erasing wants the name typed', async (t) => {
    const { mock, page } = await opened(t);
    await page.goto(`${mock.url}/settings/people?person=u3`);
    const sheet = page.locator('dialog[open]');
    const save = sheet.getByRole('button', { name: '저장' });
    await sheet.waitFor(WAIT);
    assert.ok(await save.isDisabled());
    await sheet.getByRole('radio', { name: /^관리자/ }).check();
    await sheet.getByLabel('기한').fill('2027-03-31');
    await save.click();
    await page.getByRole('button', { name: /이작업.*관리자.*2027\. 3\. 31\./ }).waitFor(WAIT);
    assert.equal(mock.people.access.find((one) => one.user.id === 'u3').until, '2027-03-31T15:00:00.000Z', 'the end of that day in the plant');
    await page.getByRole('button', { name: /김현장/ }).click();
    await sheet.getByRole('radio', { name: /^조회/ }).check();
    await save.click();
    await sheet.getByRole('alert').filter({ hasText: '마지막 소유자' }).waitFor(WAIT);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /이작업/ }).click();
    await sheet.getByRole('button', { name: '비밀번호 재설정 링크' }).click();
    assert.match(await qr(page), /\/reset#/);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /이작업/ }).click();
    await sheet.getByRole('button', { name: '계정 삭제' }).click();
    const erase = sheet.getByRole('button', { name: '삭제', exact: true });
    assert.ok(await erase.isDisabled());
    await sheet.getByRole('textbox').fill('lee');
    await erase.click();
    await page.getByRole('button', { name: /이작업/ }).waitFor({ state: 'detached', ...WAIT });
  });
});

describe('tokens and the audit trail', () => {
  test('a token is shown once, says what it may do, and is revoked', async (t) => {
    const { mock, page } = await opened(t, { look: DESK });
    await page.goto(`${mock.url}/settings/tokens`);
    await page.getByRole('button', { name: '토큰 만들기' }).click();
    const sheet = page.locator('dialog[open]');
    await sheet.getByLabel('용도').fill('대시보드');
    await sheet.getByLabel('SQL 접속').check();
    await sheet.getByRole('button', { name: '만들기', exact: true }).click();
    assert.match(await sheet.locator('.secret').innerText(WAIT), /^maru_/);
    assert.deepEqual(await axe(page), []);
    await sheet.getByRole('button', { name: '닫기' }).last().click();
    await page.getByText('조회 · 읽기, SQL 접속').first().waitFor(WAIT);
    assert.doesNotMatch(await page.locator('main').innerText(), /maru_/);
    await page.getByRole('button', { name: '대시보드 폐기' }).click();
    await sheet.getByRole('button', { name: '폐기', exact: true }).click();
    await page.getByText('대시보드', { exact: true }).waitFor({ state: 'detached', ...WAIT });
  });

  test('entries are found by who, what and when, and written out whole', async (t) => {
    const { mock, page } = await opened(t, { look: DESK });
    await page.goto(`${mock.url}/settings/audit`);
    await page.getByText('240건 중 240건').waitFor(WAIT);
    assert.equal(await page.locator('ol > li').count(), 50);
    await page.getByRole('button', { name: '이전 기록 더 보기' }).click();
    await page.waitForFunction(() => document.querySelectorAll('ol > li').length === 100);
    await page.getByLabel('작업', { exact: true }).fill('장치 변경');
    await page.keyboard.press('Enter');
    await page.getByText('240건 중 30건').waitFor(WAIT);
    await page.getByLabel('사람', { exact: true }).fill('최설치');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => /actor=/.test(location.search));
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
    const rows = readFileSync(await file.path(), 'utf8').trimEnd().split('\r\n');
    assert.equal(rows[0], '\ufeffsequence,time,actor,name,action,subject,payload');
    assert.equal(rows.length, 1 + Number(/건 중 (\d+)건/.exec(await page.locator('form.filters').innerText())[1]));
    assert.ok(rows.slice(1).every((row) => row.includes('최설치') && row.includes('device.put')));
    await page.getByText('240건의 번호가 빠짐없이').waitFor(WAIT);
  });
});

describe('every section on every screen', { concurrency: 2 }, () => {
  const OFTEN = [['', '.joined'], ['me', 'form'], ['people', 'ul.list li'], ['people?invite=1', 'dialog[open] form'], ['tokens', 'ul.panel li'], ['audit', 'ol li']];
  const RARELY = [['plant', 'form'], ['people?person=u4', 'dialog[open]'], ['people?add=1', 'dialog[open] form'], ['keeping', 'table'], ['grants', '.panel'], ['support', 'form'], ['desk', 'form, .panel'], ['organisation', 'ul.panel li'], ['users', 'ul.panel li'], ['about', 'dl']];
  const SECTIONS = ALL ? [...OFTEN, ...RARELY] : OFTEN;
  const LOOKS = [
    { ...PHONE, theme: 'light', lang: 'ko' },
    { width: 1920, height: 1080, theme: 'dark', lang: 'ko' },
    { width: 800, height: 1280, theme: 'dark', lang: 'en' },
    { ...DESK, theme: 'light', lang: 'en' },
  ];
  for (const [i, [section, wait]] of SECTIONS.entries()) {
    // The quick run takes those that are used most, each on one of the screens, neighbours in turn.
    for (const look of ALL ? LOOKS : [LOOKS[i % 4]]) {
      const name = `settings-${section.replace(/\W+/g, '-')}-${look.width}-${look.theme}-${look.lang}`;
      test(name, async (t) => {
        const { mock, page, troubles } = await opened(t, { look });
        await page.goto(`${mock.url}/settings${section === '' ? '' : '/'}${section}`);
        await page.waitForSelector(wait, WAIT);
        await page.waitForTimeout(300);
        await looked(page, name, look.width < 1000 ? LEAST_TARGET : 32);
        const contrast = await leastContrast(page, 'main');
        assert.ok(contrast.ratio >= 4.5, `contrast ${contrast.ratio} of ${contrast.text}`);
        const words = await page.evaluate(() => document.body.innerText);
        assert.doesNotMatch(words, /undefined|NaN|\[object|\{\w+\}/, 'a hole in the words');
        if (look.lang === 'en') {
          assert.doesNotMatch(words.replaceAll('한국어', ''), /[\uac00-\ud7a3]/, 'Korean on an English page');
        }
        assert.deepEqual(troubles, []);
      });
    }
  }

  test('a role sees only what it may use', async (t) => {
    const { mock, page } = await opened(t, { mode: 'two', look: DESK });
    await page.goto(`${mock.url}/settings/people?plant=annex`);
    await page.getByText('볼 수 없는 항목입니다').waitFor(WAIT);
    const sections = await page.locator('nav[aria-label="설정 항목"] a').allInnerTexts();
    assert.deepEqual(sections.map((one) => one.trim()), ['화면', '내 계정', '값의 보존 기간', '조직', '계정', '지원 데스크', '정보']);
  });
});

/** The six digits of a moment (RFC 6238: SHA-1, 30 s). */
function totpOf(secret, ms) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(Array.from({ length: bits.length >> 3 }, (_, i) => parseInt(bits.slice(i * 8, i * 8 + 8), 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30_000)));
  const hash = createHmac('sha1', key).update(counter).digest();
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

describe('the real program', () => {
  const home = join(mkdtempSync(join(tmpdir(), 'maru-people-')), 'home');
  const SLOW = { timeout: START_MS };
  let url;
  let setup;

  before(async () => {
    await start(PROGRAM, ['init', home, '--plant', 'p1', '--name', '한솔정밀']).ended;
    const run = start(PROGRAM, ['run', home, '--listen', '127.0.0.1:0']);
    url = await line(run, /^ready (http:\S+)$/m);
    setup = await line(run, /^setup (http:\S+)$/m);
  });
  after(async () => {
    await stopAll();
    rmSync(join(home, '..'), { recursive: true });
  });

  test('owner, company, second factor, invitation, role, token, audit trail', async (t) => {
    const owner = await openPage(browser, DESK);
    const guest = await openPage(browser, PHONE);
    t.after(() => Promise.all([owner.context.close(), guest.context.close()]));
    const { page } = owner;
    await page.goto(setup);
    await page.fill('#display', '김사장');
    await page.fill('#login', 'kim');
    await page.fill('#password', 'floor-lamp-29');
    await page.fill('#password-repeat', 'floor-lamp-29');
    await page.getByRole('button', { name: '소유자 등록' }).click();
    await page.getByText('6단계 중 1단계').waitFor(SLOW);
    assert.equal(await page.getByLabel('회사 이름').inputValue(), '한솔정밀');
    await page.getByRole('button', { name: '다음', exact: true }).click();
    await page.getByText('6단계 중 2단계').waitFor(SLOW);

    // The second factor, with the very secret that the code on the screen says.
    await page.goto(`${url}/settings/me`);
    await page.getByText('한솔정밀').first().waitFor(SLOW);
    await page.getByRole('button', { name: '2단계 인증 등록' }).click();
    const sheet = page.locator('dialog[open]');
    await sheet.getByLabel('비밀번호').fill('floor-lamp-29');
    await sheet.getByRole('button', { name: '다음', exact: true }).click();
    await sheet.getByLabel('앱에 나오는 6자리 코드').waitFor(SLOW);
    const secret = new URL(await qr(page)).searchParams.get('secret');
    await sheet.getByLabel('앱에 나오는 6자리 코드').fill(totpOf(secret, Date.now()));
    await sheet.getByRole('button', { name: '등록', exact: true }).click();
    await page.locator('.codes').waitFor(SLOW);
    const recovery = await page.locator('.codes li').allInnerTexts();
    assert.equal(recovery.length, 10);
    await page.getByRole('button', { name: '적어 두었습니다' }).click();
    await page.getByRole('button', { name: '로그아웃', exact: true }).first().click();
    await page.fill('#login', 'kim');
    await page.fill('#password', 'floor-lamp-29');
    await page.keyboard.press('Enter');
    await page.locator('#code').waitFor(SLOW);
    await page.getByRole('button', { name: '복구 코드로 로그인' }).click();
    await page.locator('#code').fill(recovery[0]);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '로그인한 기기' }).waitFor(SLOW);

    // An operator is invited, opens the link on a phone and finds what an operator may do.
    await page.goto(`${url}/settings/people?invite=1`);
    await sheet.getByLabel('받는 사람').fill('야간조 한주임');
    await sheet.getByRole('button', { name: '링크 만들기' }).click();
    const link = await sheet.locator('.link').innerText(SLOW);
    await sheet.getByRole('button', { name: '닫기' }).last().click();
    await guest.page.goto(link);
    await guest.page.getByText('한솔정밀 초대').waitFor(SLOW);
    assert.match(await guest.page.locator('dl').innerText(), /한솔정밀[\s\S]*작업자/);
    await guest.page.fill('#display', '한주임');
    await guest.page.fill('#login', 'han');
    await guest.page.fill('#password', 'night-shift-7');
    await guest.page.fill('#password-repeat', 'night-shift-7');
    await guest.page.getByRole('button', { name: '계정 등록' }).click();
    await guest.page.getByRole('heading', { name: '생산현황' }).waitFor(SLOW);
    await guest.page.goto(`${url}/settings/people`);
    await guest.page.getByText('볼 수 없는 항목입니다').waitFor(SLOW);

    // The owner makes the operator a manager, until a day.
    await page.reload();
    await page.getByRole('button', { name: /한주임/ }).click();
    await sheet.getByRole('radio', { name: /^관리자/ }).check();
    await sheet.getByLabel('기한').fill('2099-12-31');
    await sheet.getByRole('button', { name: '저장' }).click();
    await page.getByRole('button', { name: /한주임.*관리자.*2099\. 12\. 31\./ }).waitFor(SLOW);

    // A token opens the interface to a program.
    await page.goto(`${url}/settings/tokens`);
    await page.getByRole('button', { name: '토큰 만들기' }).first().click();
    await sheet.getByLabel('용도').fill('사내 ERP');
    await sheet.getByRole('button', { name: '만들기', exact: true }).click();
    const token = (await sheet.locator('.secret').innerText(SLOW)).trim();
    const answer = await fetch(`${url}/api/v1/plants/p1/tags?limit=1`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200);
    await picture(page, 'people-real-token');

    // What was done stands in the trail, by name.
    await page.goto(`${url}/settings/audit?chain=home`);
    await page.locator('ol > li').first().waitFor(SLOW);
    const trail = await page.locator('ol.panel').innerText();
    assert.match(trail, /invitation[\s\S]*김사장|김사장[\s\S]*invitation/);
    await picture(page, 'people-real-audit');
    assert.deepEqual(await axe(page), []);
    await page.goto(`${url}/settings/users`);
    await page.getByRole('button', { name: /한주임/ }).waitFor(SLOW);
    await page.goto(`${url}/settings/organisation`);
    await page.getByRole('button', { name: /한솔정밀/ }).waitFor(SLOW);
    assert.deepEqual(guest.troubles, []);
    assert.deepEqual(owner.troubles.filter((one) => !/401/.test(one)), []); // The door asked for the code.
  });
});
