declare module 'virtual:help/ko' {
  const groups: import('./lib/help').Group[];
  export default groups;
}
declare module 'virtual:help/en' {
  const groups: import('./lib/help').Group[];
  export default groups;
}
