// A code on paper brings the ticket's secret after `#`: it is kept in the session, and out of the address.
const secret = location.hash.slice(1), keep = document.getElementById('simpan')
if (secret && keep) {
  history.replaceState(null, '', location.pathname)
  keep.elements.rahasia.value = secret
  keep.submit()
}

// A live page that fell silent is opened anew: a sign of life comes every 15 seconds.
const live = document.getElementById('langsung')
let watch
function heard() {
  clearTimeout(watch)
  watch = setTimeout(() => location.reload(), 40_000)
}
live.addEventListener('htmx:sse:after:message', heard)
live.addEventListener('htmx:sse:after:connection', heard)
