"""The portal: what citizens do at home or on the way."""

from web_frontend.portal import home, malls, tickets

ROUTERS = (home.router, malls.router, tickets.router)
