// Days and instants. FORMAT.md 1.3, 1.4.

/** Days since 1970-01-01 of `YYYY-MM-DD`, or null. */
function dayNumber(text) {
  const match = typeof text === 'string' && /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (!match || match[1] === '0000') return null;
  const [year, month, day] = match.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return Math.round(date.getTime() / 86400000);
}

/** Seconds since 1970 of `YYYY-MM-DDTHH:MM:SSZ`, or null. */
function secondsOf(text) {
  const match = typeof text === 'string' && /^(.{10})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$/.exec(text);
  if (!match) return null;
  const day = dayNumber(match[1]);
  const [hour, minute, second] = match.slice(2).map(Number);
  if (day === null || hour > 23 || minute > 59 || second > 59) return null;
  return day * 86400 + hour * 3600 + minute * 60 + second;
}

const isDay = (text) => dayNumber(text) !== null;
const isInstant = (text) => secondsOf(text) !== null;
