/**
 * The scripts that Redis runs, one for each decision. A decision and its clock are the server's own, so
 * that no two processes can disagree.
 *
 * `#!lua` makes the server refuse them where they must not run: on a replica, on a master that too few
 * replicas follow (`min-replicas-to-write`), or without memory left.
 */

/**
 * How long the count of a key is kept after a use: the longest life of a key, the leeway, and five
 * minutes. A key older than this may have been forgotten, and so is refused.
 */
const RETENTION_MS = (15 * 60 + 2 + 5 * 60) * 1000;
/** What an expiring record is kept beyond its expiry. */
const KEEP_MS = 5 * 60 * 1000;
/** How far apart the clocks of a master and the replica that follows it may be, without a use too many. */
const FAILOVER_MS = 2_000;
/** A clock that was set back further than this begins a new epoch; until then time stands still. */
const SET_BACK_MS = 5 * 60 * 1000;
/** So much may the time that is kept lag behind, so that not every decision writes it. */
const LAG_MS = 50;

/**
 * What every script begins with. KEYS[1] is the record of the epoch. ARGV: the last epoch that the caller
 * saw, or nothing; the latest time that it saw; a name for what is new.
 *
 * A new epoch begins when something may have been forgotten: the record is not there; this is not the
 * server that it was, which `master_replid` tells (every start and every promotion makes a new one);
 * something was evicted; or the caller comes from a server that went on without this one. `from` is then
 * later than any time at which a key can have been counted.
 */
const LOOK = `
local call, find = redis.call, string.find
local info = call('INFO', 'replication')
if not find(info, 'role:master', 1, true) then
  return redis.error_reply('READONLY this is not the master')
end
local at = find(info, 'master_replid:', 1, true)
local incarnation = string.sub(info, at + 14, at + 53)
local record = call('HMGET', KEYS[1], 'id', 'of', 'from', 'high', 'evicts')
local id, from, high = record[1], tonumber(record[3]), tonumber(record[4] or 0)
if record[5] == 'yes' then
  incarnation = incarnation .. string.match(call('INFO', 'stats'), '\\nevicted_keys(:%d+)')
end
local last, seen, name = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local after
if not id then after = 1
elseif record[2] ~= incarnation or high - now > ${SET_BACK_MS} then after = ${FAILOVER_MS}
elseif last ~= '' and last ~= id
  and not find(call('HGET', KEYS[1], 'was'), ' ' .. last .. ' ', 1, true) then after = ${FAILOVER_MS}
elseif now - high > ${LAG_MS} then call('HSET', KEYS[1], 'high', now)
elseif now < high then now = high end
`;

/** Whether the server may evict: then how often it did is part of what it is. */
const EVICTS = `
local memory = call('INFO', 'memory')
local evicts = not find(memory, '\\nmaxmemory:0\\r', 1, true)
  and not find(memory, '\\nmaxmemory_policy:noeviction\\r', 1, true)
`;

/** Begins a new epoch, where `after` says so. */
const BEGIN = `
if after then
  ${EVICTS}
  if high - now > ${SET_BACK_MS} then high = 0 end
  if seen - now > ${SET_BACK_MS} then seen = 0 end
  now = math.max(now, high)
  from = math.max(now, seen) + after
  local of = string.sub(incarnation, 1, 40)
  if evicts then of = of .. string.match(call('INFO', 'stats'), '\\nevicted_keys(:%d+)') end
  local was = ' ' .. last .. ' ' .. (id or '') .. ' ' .. (call('HGET', KEYS[1], 'was') or '')
  call('HSET', KEYS[1], 'id', name, 'of', of, 'from', from, 'high', now,
    'evicts', evicts and 'yes' or 'no', 'was', string.sub(was, 1, 2000))
  call('HSETNX', KEYS[1], 'acts', 0)
  id = name
end
`;

const HEAD = `${LOOK}${BEGIN}`;

/**
 * Decides over all charges, and takes them if it may. KEYS[2…]: one a charge. ARGV[4]: `reserve` or
 * `peek`; then four a charge: kind, limit, minted or length of the window, expiry.
 *
 * A counter is the set of its uses, each under a name of its own: giving one back twice takes one out.
 * A window is its uses by their time. An intent is until when it stands, and whose it is.
 */
export const RESERVE: string = `#!lua
${HEAD}
local unknown, used, wait, ahead, nows, counts = false, false, 0, 0, {}, {}
local oldest = math.max(from, now - ${RETENTION_MS})
for i = 2, #KEYS do
  local key, a = KEYS[i], i * 4 - 3
  local kind, limit, x, expires = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), ARGV[a + 3]
  if kind == 'intent' then
    local stands = call('GET', key)
    if stands and now < tonumber(string.match(stands, '^%d+')) then unknown = true end
  elseif kind == 'uses' then
    if x < oldest then unknown = true end
    counts[i] = call('SCARD', key)
    if counts[i] >= limit then used = true end
    ahead = math.max(ahead, x - now)
  else
    local newest = call('ZRANGE', key, -1, -1, 'WITHSCORES')
    nows[i] = math.max(now, tonumber(newest[2] or 0))
    local passed = nows[i] - x
    local count = call('ZCOUNT', key, '(' .. string.format('%.0f', passed), '+inf')
    if count >= limit then
      local leaving = call('ZRANGE', key, -limit, -limit, 'WITHSCORES')
      wait = math.max(wait, tonumber(leaving[2]) + x - nows[i])
    end
  end
end
if unknown then return {'unknown', now, id} end
if used then return {'used_up', now, id} end
if wait > 0 then return {'too_many', now, id, wait} end
if ARGV[4] == 'peek' then return {'available', now, id} end
if ahead > 0 then return {'ahead', now, id, math.ceil(ahead)} end

for i = 2, #KEYS do
  local key, a, mine = KEYS[i], i * 4 - 3, name .. '.' .. i
  local kind, x, expires = ARGV[a], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local keep = ${RETENTION_MS}
  if kind == 'intent' then
    keep = math.max(expires - now, 0) + ${KEEP_MS}
    call('SET', key, string.format('%.0f:%s', expires, mine), 'PX', keep)
  elseif kind == 'uses' then
    keep = math.max(keep, expires - now + ${KEEP_MS})
    -- One that is new has no expiry that could be shortened.
    if call('SADD', key, mine) == 1 and counts[i] == 0 or call('PTTL', key) < keep then
      call('PEXPIRE', key, keep)
    end
  else
    call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', nows[i] - x))
    call('ZADD', key, nows[i], mine)
    call('PEXPIRE', key, x + ${KEEP_MS})
  end
end
return {'reserved', now, id}
`;

/**
 * Ends a reservation: clears its intents, and gives its uses back when ARGV[2] is `release`. ARGV[1]: its
 * name; then a kind for each of KEYS, with its place among the charges. Done twice, it changes nothing.
 */
export const SETTLE: string = `#!lua flags=allow-oom
for i, key in ipairs(KEYS) do
  local kind, mine = ARGV[i * 2 + 1], ARGV[1] .. '.' .. ARGV[i * 2 + 2]
  if kind == 'intent' then
    local stands = redis.call('GET', key)
    if stands and string.sub(stands, -#mine - 1) == ':' .. mine then redis.call('DEL', key) end
  elseif ARGV[2] == 'release' then
    redis.call(kind == 'uses' and 'SREM' or 'ZREM', key, mine)
  end
end
return 'settled'
`;

/**
 * The heartbeat: that this is the master, in which epoch, and how many acts there were. Where the server
 * has come to evict, or no longer does, a new epoch begins.
 */
export const SYNC: string = `#!lua
${LOOK}
if not after then
  ${EVICTS}
  if (record[5] == 'yes') ~= evicts then after = ${FAILOVER_MS} end
end
${BEGIN}
return {'synced', now, id, tonumber(call('HGET', KEYS[1], 'acts'))}
`;

/** All revocations that stand (KEYS[2]), and where the stream of acts (KEYS[3]) ends. */
export const LOAD: string = `#!lua
${HEAD}
local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
return {'loaded', now, id, tonumber(redis.call('HGET', KEYS[1], 'acts')),
  newest[1] and newest[1][1] or '0-0', redis.call('HVALS', KEYS[2])}
`;

/**
 * Revokes and restores. KEYS: the revocations by their name, when those by id may be dropped, the stream
 * of acts. ARGV[4…]: four an act: `revoke` or `restore`, the name, the revocation; then how long one that
 * is revoked is kept, or nothing, and until when one may be restored. Says how many acts there were then,
 * and of each whether something stood before, or -1 for a restoration that came too late.
 *
 * For nobody waits for that one any more, and a revocation may have come since. It may lie in a connection
 * for as long as this server hangs. The time is this epoch's: of another, it says nothing.
 */
export const ACT: string = `#!lua
${HEAD}
local stood, number = {}, tonumber(redis.call('HGET', KEYS[1], 'acts'))
for a = 4, #ARGV, 4 do
  local act, what, text, keep = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  if act == 'restore' and (last ~= id or now > tonumber(keep)) then stood[#stood + 1] = -1
  else
    stood[#stood + 1] = redis.call('HEXISTS', KEYS[2], what)
    redis.call('ZREM', KEYS[3], what)
    if act == 'restore' then redis.call('HDEL', KEYS[2], what)
    else
      redis.call('HSET', KEYS[2], what, text)
      if keep ~= '' then redis.call('ZADD', KEYS[3], now + keep, what) end
    end
    number = redis.call('HINCRBY', KEYS[1], 'acts', 1)
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 'number', number, 'act', act, 'of', text)
  end
end
for _, what in ipairs(redis.call('ZRANGE', KEYS[3], 0, now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[2], what)
  redis.call('ZREM', KEYS[3], what)
end
return {'acted', now, id, number, stood}
`;

/** Puts closed keys (ARGV[1]) on their stream, of which only what may still live is kept, within limits. */
export const CLOSE: string = `#!lua
local time = redis.call('TIME')
redis.call('XADD', KEYS[1], 'MAXLEN', '~', 20000, '*', 'keys', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', time[1] * 1000 - ${RETENTION_MS}))
redis.call('PEXPIRE', KEYS[1], ${RETENTION_MS})
return 'closed'
`;
