// Clears what a chat has stored for the last user: it is not for the next one.

import { announce } from './session.js';

sessionStorage.clear();
localStorage.clear();
announce(); // the user may have signed out
