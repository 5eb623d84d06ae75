// Words that come with their page (`words` of lib/pages.svelte.ts) and are no part of the first load. A group
// is two files, later/NAME.ko.json and .en.json, and a line here. What several pages or the frame show, the
// names of pages among it, stands in ko.json and en.json. scripts/check-words.mjs holds pages to it.
import type costs from './later/costs.ko.json';
import type deliveries from './later/deliveries.ko.json';
import type devices from './later/devices.ko.json';
import type factories from './later/factories.ko.json';
import type forms from './later/forms.ko.json';
import type health from './later/health.ko.json';
import type help from './later/help.ko.json';
import type indicators from './later/indicators.ko.json';
import type inspections from './later/inspections.ko.json';
import type labels from './later/labels.ko.json';
import type live from './later/live.ko.json';
import type lots from './later/lots.ko.json';
import type master from './later/master.ko.json';
import type orders from './later/orders.ko.json';
import type outbox from './later/outbox.ko.json';
import type output from './later/output.ko.json';
import type papers from './later/papers.ko.json';
import type production from './later/production.ko.json';
import type sales from './later/sales.ko.json';
import type scan from './later/scan.ko.json';
import type settings from './later/settings.ko.json';
import type start from './later/start.ko.json';
import type stock from './later/stock.ko.json';
import type tag from './later/tag.ko.json';
import type trend from './later/trend.ko.json';
import type upload from './later/upload.ko.json';
import type upkeep from './later/upkeep.ko.json';
import type values from './later/values.ko.json';

export interface Later {
  costs: typeof costs;
  deliveries: typeof deliveries;
  devices: typeof devices;
  factories: typeof factories;
  forms: typeof forms;
  health: typeof health;
  help: typeof help;
  indicators: typeof indicators;
  inspections: typeof inspections;
  labels: typeof labels;
  live: typeof live;
  lots: typeof lots;
  master: typeof master;
  orders: typeof orders;
  outbox: typeof outbox;
  output: typeof output;
  papers: typeof papers;
  production: typeof production;
  sales: typeof sales;
  scan: typeof scan;
  settings: typeof settings;
  start: typeof start;
  stock: typeof stock;
  tag: typeof tag;
  trend: typeof trend;
  upload: typeof upload;
  upkeep: typeof upkeep;
  values: typeof values;
}
export type Group = keyof Later;
