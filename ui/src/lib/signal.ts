// A short tone and a tremble for hands that do not look at the screen. A browser makes sounds only
// after a press; `wake` is called by one.
let audio: AudioContext | null = null;

export function wake(): void {
  audio ??= new AudioContext();
  void audio.resume();
}

/** High and short for good; low, long and twice for what needs a look. */
export function signal(good: boolean): void {
  navigator.vibrate?.(good ? 60 : [120, 80, 120]);
  if (!audio) {
    return;
  }
  for (const beginS of good ? [0] : [0, 0.25]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = good ? 1760 : 330;
    volume.gain.value = 0.2;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + beginS);
    tone.stop(audio.currentTime + beginS + (good ? 0.07 : 0.18));
  }
}
