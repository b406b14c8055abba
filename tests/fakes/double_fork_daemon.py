"""A daemon as in the books: own session, no parent."""

import acting

acting.start_sleeper(daemon=True)
acting.play()
