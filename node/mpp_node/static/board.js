// The board of one mall: a snapshot, then every call as it happens.
const CATALOG = '/api/catalog/v1', QUEUE = '/api/queue/v1'
const RECENT = 4, SILENCE = 40_000, LONGEST_PAUSE = 10_000 // ms
const REASONS = {
  holiday: 'Hari libur', 'local-holiday': 'Libur daerah', 'weekly-closing': 'Hari ini tutup',
  'before-opening': 'Belum buka', 'after-last-ticket': 'Pengambilan nomor sudah selesai', 'day-over': 'Sudah tutup',
  full: 'Nomor hari ini sudah habis', break: 'Istirahat', staff: 'Petugas tidak di tempat', system: 'Gangguan sistem',
}
const ZONES = { 'Asia/Jakarta': 'WIB', 'Asia/Pontianak': 'WIB', 'Asia/Makassar': 'WITA', 'Asia/Jayapura': 'WIT' }

const at = id => document.getElementById(id)
const fresh = id => at(id).content.cloneNode(true)
const asked = new URLSearchParams(location.search)

let board = { mall: {}, calls: [], lines: [] }
let stream, watch, pause = 500

// "Loket 3": the word small, the digits as large as the number.
function fill(part, call) {
  const [, word, digits] = /^(.*?)\s*(\S+)$/.exec(call.counter_title || call.counter)
  part.querySelector('.ticket').textContent = call.number
  part.querySelector('.word').textContent = word
  part.querySelector('.digits').textContent = digits
  return part
}

function showCalls() {
  const [newest, ...rest] = board.calls
  if (newest) {
    at('newest').replaceChildren(fill(fresh('call'), newest))
    at('newest').classList.toggle('recall', newest.kind === 'recall')
  } else {
    at('newest').innerHTML = '<p class="empty">Belum ada panggilan.</p>'
  }
  at('recent').replaceChildren(...rest.slice(0, RECENT).map(call => {
    const item = document.createElement('li')
    item.append(fill(fresh('call'), call))
    return item
  }))
  tick()
}

function detail(line) {
  if (!line.open) return REASONS[line.reason] || 'Tutup'
  const taken = `${line.issued} nomor diambil`
  return line.capacity ? `${taken}, sisa ${Math.max(0, line.capacity - line.issued)}` : taken
}

function showLines() {
  at('lines').replaceChildren(...board.lines.map(line => {
    const item = fresh('line').firstElementChild
    item.classList.toggle('closed', !line.open)
    item.querySelector('.letter').textContent = line.line
    item.querySelector('.name').textContent = line.title
    item.querySelector('.detail').textContent = detail(line)
    item.querySelector('b').textContent = line.waiting
    return item
  }))
  const total = key => board.lines.reduce((sum, line) => sum + (line[key] || 0), 0)
  at('sum').textContent = board.lines.length ? `${total('issued')} nomor diambil, ${total('waiting')} menunggu` : ''
  at('no-lines').hidden = board.lines.length > 0
}

function showMall() {
  const { title } = board.mall
  at('title').textContent = title || 'Papan antrean'
  document.title = title ? `Papan antrean · ${title}` : 'Papan antrean'
  if (!board.date) return
  const day = new Date(`${board.date}T00:00:00Z`)
  at('date').textContent = day.toLocaleDateString('id-ID', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}

// The wall clock; on a board of another day the time of its newest call.
function tick() {
  const { date, mall: { timezone: timeZone }, calls } = board
  if (!date || !timeZone) return
  const now = new Date(), today = now.toLocaleDateString('sv-SE', { timeZone })
  if (date !== today && !calls.length) return at('clock').textContent = ''
  const shown = date === today ? now : new Date(calls[0].at)
  at('clock').textContent = `${clock(shown, timeZone)} ${ZONES[timeZone] || ''}`
}

function clock(moment, timeZone) {
  return moment.toLocaleTimeString('id-ID', { hour: '2-digit', minute: '2-digit', timeZone }).replace(':', '.')
}

function say(text, kind) {
  at('state').textContent = text
  at('state').className = kind
}

// A stream that ended or fell silent is opened anew; its first event is a whole snapshot.
function reconnect() {
  stream?.close()
  clearTimeout(watch)
  const stale = at('state').classList.contains('stale')
  if (!stale) say(`Terputus sejak ${clock(new Date(), board.mall.timezone)}. Menyambungkan lagi …`, 'stale')
  setTimeout(connect, pause)
  pause = Math.min(pause * 2, LONGEST_PAUSE)
}

function heard() {
  clearTimeout(watch)
  watch = setTimeout(reconnect, SILENCE)
}

function connect() {
  stream?.close()
  const query = asked.get('date') ? `?date=${asked.get('date')}` : ''
  const opened = stream = new EventSource(`${QUEUE}/malls/${at('mall').value}/board/live${query}`)
  const on = (name, act) => opened.addEventListener(name, event => {
    if (opened !== stream) return
    heard()
    if (event.data && act) act(JSON.parse(event.data))
  })
  const called = call => {
    if (board.calls.some(known => known.id === call.id)) return
    board.calls = [call, ...board.calls].slice(0, RECENT + 1)
    showCalls()
  }
  on('snapshot', snapshot => {
    board = { calls: [], lines: [], ...snapshot }
    pause = 500
    say('Langsung', 'live')
    showMall(); showCalls(); showLines()
  })
  on('call', called)
  on('recall', called)
  on('lines', changed => {
    const known = new Map(board.lines.map(line => [line.line, line]))
    changed.forEach(line => known.set(line.line, line))
    board.lines = [...known.values()]
    showLines()
  })
  on('ping')
  opened.onerror = () => { if (opened === stream) reconnect() }
  heard()
}

async function start() {
  try {
    const answer = await fetch(`${CATALOG}/malls`)
    if (!answer.ok) throw new Error(answer.status)
    const { items } = await answer.json()
    at('mall').replaceChildren(...items.map(mall => new Option(mall.title, mall.slug)))
    const wished = asked.get('mall') || 'bombana'
    at('mall').value = items.some(mall => mall.slug === wished) ? wished : items[0]?.slug
    if (!items.length) return say('Belum ada mal.', 'stale')
    connect()
  } catch {
    say('Belum ada jawaban dari sistem. Mencoba lagi …', 'stale')
    setTimeout(start, 2000)
  }
}

at('mall').addEventListener('change', () => {
  asked.set('mall', at('mall').value)
  history.replaceState(null, '', `?${asked}`)
  board = { mall: {}, calls: [], lines: [] }
  showMall(); showCalls(); showLines()
  connect()
})
setInterval(tick, 5000)
start()
